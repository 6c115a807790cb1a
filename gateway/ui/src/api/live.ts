/**
 * For queries whose answer others change while somebody looks at it: asked again every 15 seconds as long as
 * the page can be seen, and when somebody comes back to it. Not streams: each would hold one of the six
 * connections that a browser opens over HTTP/1.1.
 */
export const live = { refetchInterval: 15_000 } as const;
