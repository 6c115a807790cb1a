import { useQuery } from "@connectrpc/connect-query";
import { IconCircleCheck } from "@tabler/icons-react";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { ReconcileService } from "~/api";
import { live } from "~/api/live";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { Empty, PageHeader, Panel } from "~/components/page";
import { UrlTabs } from "~/components/tabs";
import { DriftList } from "~/features/drift/drift-list";
import { PendingList } from "~/features/drift/pending-list";
import { driftInput } from "~/features/drift/query";
import { LastWalk, StartWalk } from "~/features/drift/walk";
import { driftKinds, driftTabs } from "~/lib/paths";
import { compact, oneOf, text } from "~/lib/search-params";

export const Route = createFileRoute("/drift")({
  validateSearch: (search) =>
    compact({
      tab: oneOf(search, "tab", driftTabs),
      kind: oneOf(search, "kind", driftKinds),
      page: text(search, "page"),
    }),
  component: DriftPage,
});

function DriftPage() {
  const { tab, kind, page } = Route.useSearch();
  const [started, setStarted] = useState(false);
  const query = useQuery(ReconcileService.method.listDrift, driftInput, {
    refetchInterval: ({ state }) =>
      started || state.data?.walking === true ? 3_000 : live.refetchInterval,
  });
  const pending = useQuery(ReconcileService.method.listPending, { pageSize: 25 }, live);
  const state = query.data;
  if (query.error !== null && state === undefined) {
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  }
  const counted = (list: readonly unknown[], next: string) =>
    list.length === 0 || next !== "" ? {} : { count: list.length };
  return (
    <>
      <PageHeader
        title="Drift"
        subtitle="Where the authorization server's pool says something else than the registry, and what it has yet to be told."
        actions={<StartWalk state={state} onStart={() => setStarted(true)} />}
      />
      {state === undefined && <TableSkeleton />}
      {state?.hasPool === false && <NoPool />}
      {state?.hasPool === true && (
        <>
          <LastWalk state={state} />
          <UrlTabs
            label="About the pool"
            tab={tab}
            tabs={[
              {
                value: "drift",
                label: "Where it differs",
                ...counted(state.drifts, state.nextPageToken),
                content: () => <DriftList kind={kind} page={page} />,
              },
              {
                value: "pending",
                label: "Not told yet",
                ...counted(pending.data?.pending ?? [], pending.data?.nextPageToken ?? ""),
                content: () => <PendingList page={page} />,
              },
            ]}
          />
        </>
      )}
    </>
  );
}

function NoPool() {
  return (
    <Panel>
      <Empty icon={<IconCircleCheck size={24} />} title="There is no pool, so nothing can drift">
        This installation issues its tokens itself, by what the registry says at that moment. With
        Amazon Cognito as the authorization server, this page shows where its user pool says
        something else.
      </Empty>
    </Panel>
  );
}
