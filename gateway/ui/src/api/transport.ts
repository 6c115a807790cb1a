import type { Interceptor, Transport } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { personHeaders } from "./page-person";

/**
 * A header that a page of another site cannot set without asking first: with the cookie's SameSite
 * and the gateway's Origin check, the defence against forged requests.
 */
export const csrfHeader = { "x-turnpike-csrf": "1" } as const;

const withCsrfHeader: Interceptor = (next) => (request) => {
  for (const [name, value] of Object.entries(csrfHeader)) request.header.set(name, value);
  return next(request);
};

/** gRPC-web to the origin this page came from; the session is a cookie that scripts cannot read. */
export function createTransport(): Transport {
  return createGrpcWebTransport({
    baseUrl: window.location.origin,
    interceptors: [withCsrfHeader],
    defaultTimeoutMs: 20_000,
    // A redirect would lead to another origin's page, never to an answer.
    fetch: (input, init) => fetch(input, { ...init, redirect: "error" }),
  });
}

/** How people sign in here. */
export interface WaysToSignIn {
  /** What the company's directory is called, if people sign in by one. */
  readonly directory: string | null;
  /** Whether there are printed links. */
  readonly links: boolean;
}

export async function waysToSignIn(): Promise<WaysToSignIn> {
  const answer = await fetch("/login/ways");
  if (!answer.ok) throw new Error(`how to sign in is not known: ${answer.status}`);
  return (await answer.json()) as WaysToSignIn;
}

/** Where to sign in by the directory and come back to the page of this address. */
export function signInPath(location: Location): string {
  const page = location.pathname + location.search + location.hash;
  return `/login?return_to=${encodeURIComponent(page)}`;
}

/**
 * Ends the session of this person, and answers with where to go then: the directory, to sign out there too, or the first
 * page. Resolves also when it had ended before, or is somebody else's by now, which the page then says when it is loaded.
 */
export async function logout(personId: string): Promise<string> {
  const headers = { ...csrfHeader, ...personHeaders(personId) };
  const answer = await fetch("/logout", { method: "POST", headers });
  if (!answer.ok && answer.status !== 401 && answer.status !== 409) {
    throw new Error("the session could not be ended, try again");
  }
  if (answer.status !== 200) return "/";
  return ((await answer.json()) as { continue: string }).continue;
}
