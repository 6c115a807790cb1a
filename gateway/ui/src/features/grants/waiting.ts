/** What waits for the user's decision; one query for the navigation's count and the overview. */
export const waitingInput = { waitingForMe: true, pageSize: 20 } as const;

/** Asked again by polling: a stream per tab would use up the browser's six connections. */
export const waitingOptions = { refetchInterval: 30_000 } as const;
