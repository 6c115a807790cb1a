import { Button, CloseButton, TextInput } from "@mantine/core";
import { IconChevronLeft, IconChevronRight, IconSearch } from "@tabler/icons-react";
import { useNavigate, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState, type ReactNode } from "react";
import classes from "./list-page.module.css";

/** Changes the search of the page that is open, and begins its list at the first page again. */
export function useSetSearch() {
  const navigate = useNavigate();
  return (change: Record<string, string | undefined>, options: { replace?: boolean } = {}) =>
    void navigate({
      to: ".",
      search: (previous: Record<string, string | undefined>) => ({
        ...previous,
        page: undefined,
        ...change,
      }),
      replace: options.replace ?? false,
      resetScroll: false,
      // Typed by route elsewhere; this one serves them all.
    } as unknown as Parameters<typeof navigate>[0]);
}

export function Toolbar({ children }: { children: ReactNode }) {
  return <div className={classes.toolbar}>{children}</div>;
}

/**
 * What is typed into a field whose value is in the URL. It follows the URL, Back included; but a text
 * that comes back as this field sent it does not overwrite what has been typed since.
 */
export function useTyped(inUrl: string) {
  const [typed, setTyped] = useState(inUrl);
  const [sent, setSent] = useState(inUrl);
  const [seen, setSeen] = useState(inUrl);
  if (inUrl !== seen) {
    setSeen(inUrl);
    if (inUrl !== sent) {
      setTyped(inUrl);
      setSent(inUrl);
    }
  }
  return { typed, setTyped, setSent };
}

/** A search: typing changes the URL a moment later, and Back changes the text. */
export function SearchBox({ text = "", label }: { text: string | undefined; label: string }) {
  const setSearch = useSetSearch();
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const { typed, setTyped, setSent } = useTyped(text);
  useEffect(() => () => clearTimeout(timer.current), []);
  const apply = (value: string) => {
    clearTimeout(timer.current);
    const next = value.trim();
    if (next === text) return;
    setSent(next);
    setSearch({ text: next === "" ? undefined : next }, { replace: text !== "" });
  };
  const type = (value: string) => {
    setTyped(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => apply(value), 350);
  };
  return (
    <form
      role="search"
      className={classes.search}
      onSubmit={(event) => {
        event.preventDefault();
        apply(typed);
      }}
    >
      <TextInput
        type="search"
        value={typed}
        onChange={(event) => type(event.currentTarget.value)}
        aria-label={label}
        placeholder={label}
        maxLength={100}
        leftSection={<IconSearch size={16} />}
        rightSection={
          typed === "" ? null : (
            <CloseButton
              size="sm"
              aria-label="Clear the search"
              onClick={() => {
                setTyped("");
                apply("");
              }}
            />
          )
        }
      />
    </form>
  );
}

/**
 * Previous and next. A page token knows no Previous: the tokens of the pages before stay in the
 * history's state, the current one in the URL.
 */
export function Pager({
  page,
  nextPageToken,
}: {
  page: string | undefined;
  nextPageToken: string;
}) {
  const navigate = useNavigate();
  const before = useRouterState({ select: (state) => state.location.state.pageTokens ?? [] });
  if (page === undefined && nextPageToken === "") return null;
  const go = (token: string | undefined, pageTokens: readonly string[]) =>
    void navigate({
      to: ".",
      search: (previous: Record<string, string | undefined>) => ({ ...previous, page: token }),
      state: { pageTokens },
    } as unknown as Parameters<typeof navigate>[0]);
  const previous = () => {
    const token = before.at(-1);
    go(token === undefined || token === "" ? undefined : token, before.slice(0, -1));
  };
  return (
    <nav aria-label="Pages" className={classes.pager ?? ""}>
      <Button
        size="xs"
        variant="default"
        leftSection={<IconChevronLeft size={14} />}
        disabled={page === undefined}
        onClick={previous}
      >
        {before.length === 0 && page !== undefined ? "First page" : "Previous"}
      </Button>
      <span className={classes.pageNumber}>
        {page === undefined ? "Page 1" : before.length > 0 ? `Page ${before.length + 1}` : ""}
      </span>
      <Button
        size="xs"
        variant="default"
        rightSection={<IconChevronRight size={14} />}
        disabled={nextPageToken === ""}
        onClick={() => go(nextPageToken, [...before, page ?? ""])}
      >
        Next
      </Button>
    </nav>
  );
}
