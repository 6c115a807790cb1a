/** What waits for the user's decision; one query for the navigation's count and the overview. */
export const waitingInput = { waitingForMe: true, pageSize: 20 } as const;
