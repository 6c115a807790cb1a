/** The first page of all that differs; one query for the navigation's count and the page. */
export const driftInput = { pageSize: 25 } as const;
