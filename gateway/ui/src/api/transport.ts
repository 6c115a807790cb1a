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

/**
 * Ends the session of this person; resolves also when it had ended before, or is somebody else's by now,
 * which the page then says when it is loaded again.
 */
export async function logout(personId: string): Promise<void> {
  const headers = { ...csrfHeader, ...personHeaders(personId) };
  const answer = await fetch("/logout", { method: "POST", headers });
  if (!answer.ok && answer.status !== 401 && answer.status !== 409) {
    throw new Error("the session could not be ended, try again");
  }
}
