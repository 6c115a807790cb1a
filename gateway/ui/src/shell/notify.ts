import { explain } from "~/api/errors";

/** What the toast host shows; it is loaded with the first toast. */
export interface Toast {
  readonly title: string;
  readonly message?: string;
  readonly tone: "good" | "bad";
}

type Host = (toast: Toast) => void;
const waiting: Toast[] = [];
let host: Host | undefined;
let wake: (() => void) | undefined;

/** Says that something was done. */
export function notify(title: string, message?: string): void {
  show({ title, tone: "good", ...(message === undefined ? {} : { message }) });
}

/** Says that something failed, where there is no better place for it. */
export function notifyFault(error: unknown): void {
  const { title, message } = explain(error);
  show({ title, message, tone: "bad" });
}

function show(toast: Toast): void {
  if (host === undefined) {
    waiting.push(toast);
    wake?.();
  } else {
    host(toast);
  }
}

/** Called with the first toast, to load the host. */
export function onFirstToast(callback: () => void): () => void {
  wake = callback;
  if (waiting.length > 0) callback();
  return () => {
    wake = undefined;
  };
}

/** Called by the host once it can show toasts. */
export function attachHost(newHost: Host): () => void {
  host = newHost;
  for (const toast of waiting.splice(0)) newHost(toast);
  return () => {
    host = undefined;
  };
}
