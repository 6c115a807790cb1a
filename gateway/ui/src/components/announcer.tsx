import { useRouter } from "@tanstack/react-router";
import { createContext, use, useEffect, useRef, useState, type ReactNode } from "react";

interface Announcer {
  readonly announce: (title: string) => void;
  /** Whether the user has gone from one page to another yet; the first page takes no focus. */
  readonly hasNavigated: () => boolean;
}

const AnnouncerContext = createContext<Announcer | undefined>(undefined);

/** Tells screen readers which page has come, as a full page load would. */
export function AnnouncerProvider({ children }: { children: ReactNode }) {
  const router = useRouter();
  const [message, setMessage] = useState("");
  const [announcer] = useState(() => {
    let navigated = false;
    return {
      announce: setMessage,
      hasNavigated: () => navigated,
      noteNavigation: () => {
        navigated = true;
      },
    };
  });
  useEffect(
    () =>
      router.subscribe("onBeforeNavigate", (event) => {
        if (event.pathChanged && event.fromLocation !== undefined) announcer.noteNavigation();
      }),
    [router, announcer],
  );
  return (
    <AnnouncerContext value={announcer}>
      {children}
      <div aria-live="polite" role="status" className="visually-hidden">
        {message}
      </div>
    </AnnouncerContext>
  );
}

/** Names the document, moves the focus to the h1 when the page opens, and announces it. */
export function usePageTitle(title: string) {
  const announcer = use(AnnouncerContext);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (announcer?.hasNavigated() === true) heading.current?.focus({ preventScroll: true });
  }, [announcer]);
  useEffect(() => {
    document.title = title === "" ? "Turnpike" : `${title} · Turnpike`;
    if (announcer?.hasNavigated() === true) announcer.announce(title);
  }, [announcer, title]);
  return heading;
}
