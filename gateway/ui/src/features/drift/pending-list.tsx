import { useQuery } from "@connectrpc/connect-query";
import { Text } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { ReconcileService, type Pending } from "~/api";
import { sentence } from "~/api/errors";
import { live } from "~/api/live";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton, type Column } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { Pager } from "~/components/list-page";
import { Empty, Panel } from "~/components/page";
import { When } from "~/components/when";
import { count } from "~/lib/words";
import { SubjectCell } from "./subject";

const columns: Column<Pending>[] = [
  { header: "What", width: "34%", cell: (one) => <SubjectCell subject={one.subject} /> },
  { header: "Since", width: "16%", cell: (one) => <When time={one.sinceTime} /> },
  {
    header: "Tried",
    cell: (one) =>
      one.failures === 0 ? (
        <StatusBadge tone="info">On its way</StatusBadge>
      ) : (
        <>
          <StatusBadge tone="bad">{`Failed ${count(one.failures, "time")}`}</StatusBadge>
          {one.error !== "" && (
            <Text size="sm" mt={4}>
              {sentence(one.error)}
            </Text>
          )}
        </>
      ),
  },
];

/** What the pool has yet to be told. */
export function PendingList({ page }: { page: string | undefined }) {
  const query = useQuery(
    ReconcileService.method.listPending,
    { pageSize: 25, pageToken: page ?? "" },
    { ...live, placeholderData: keepPreviousData },
  );
  const pending = query.data?.pending ?? [];
  return (
    <>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {pending.length > 0 && (
          <DataTable
            label="Not told yet"
            columns={columns}
            rows={pending}
            rowKey={(one) => one.subject}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess && pending.length === 0 && (
          <Empty icon={<IconCircleCheck size={24} />} title="Nothing waits">
            The pool has been told of every change. What is changed from now on waits here until the
            pool has taken it, as a rule for less than a second.
          </Empty>
        )}
        <Pager page={page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
    </>
  );
}
