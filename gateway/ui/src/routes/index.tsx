import { createFileRoute } from "@tanstack/react-router";
import { Overview } from "~/features/overview/overview";
import { compact, text } from "~/lib/search-params";

export const Route = createFileRoute("/")({
  validateSearch: (search) => compact({ team: text(search, "team") }),
  component: OverviewPage,
});

function OverviewPage() {
  const { team } = Route.useSearch();
  return <Overview wanted={team} />;
}
