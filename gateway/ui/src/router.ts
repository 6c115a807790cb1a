import { createRouter, type RouterHistory } from "@tanstack/react-router";
import { ErrorPage, NotFoundPage } from "~/components/error-page";
import { parseSearch, stringifySearch } from "~/lib/search-params";
import { routeTree } from "./routeTree.gen";

export function createAppRouter(history?: RouterHistory) {
  return createRouter({
    routeTree,
    ...(history === undefined ? {} : { history }),
    parseSearch,
    stringifySearch,
    defaultPreload: "intent",
    defaultPreloadDelay: 60,
    scrollRestoration: true,
    defaultErrorComponent: ErrorPage,
    defaultNotFoundComponent: NotFoundPage,
  });
}

export type AppRouter = ReturnType<typeof createAppRouter>;

declare module "@tanstack/react-router" {
  interface Register {
    router: AppRouter;
  }
  interface HistoryState {
    /** Tokens of the pages before this one, first page first; a page token itself knows no Previous. */
    pageTokens?: readonly string[];
  }
}
