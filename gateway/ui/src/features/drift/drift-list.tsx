import { useQuery } from "@connectrpc/connect-query";
import { Group } from "@mantine/core";
import { IconCircleCheck, IconRoute } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { DriftKind, ReconcileService, type Drift } from "~/api";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton, type Column } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ChoiceFilter } from "~/components/filters";
import { ButtonLink } from "~/components/links";
import { Pager, Toolbar } from "~/components/list-page";
import { Empty, Panel } from "~/components/page";
import { Two } from "~/components/two";
import { When } from "~/components/when";
import { paths, type driftKinds } from "~/lib/paths";
import { useSession } from "~/session/session";
import { AdoptDialog, RevertDialog } from "./acts";
import classes from "./drift-list.module.css";
import { driftInput } from "./query";
import { SubjectCell } from "./subject";
import { differenceInWords, kindWords, parseSubject } from "./words";

type Kind = (typeof driftKinds)[number];

const kindOf: Record<Kind, DriftKind> = {
  different: DriftKind.DIFFERENT,
  missing: DriftKind.MISSING,
  unmanaged: DriftKind.UNMANAGED,
};

const choices = [
  { value: "", label: "All kinds" },
  { value: "different", label: kindWords[DriftKind.DIFFERENT].label },
  { value: "missing", label: kindWords[DriftKind.MISSING].label },
  { value: "unmanaged", label: kindWords[DriftKind.UNMANAGED].label },
] as const;

/** Where the pool says something else than the registry, and what to do about it. */
export function DriftList({ kind, page }: { kind: Kind | undefined; page: string | undefined }) {
  const session = useSession();
  const [act, setAct] = useState<{ what: "adopt" | "revert"; drift: Drift }>();
  const query = useQuery(
    ReconcileService.method.listDrift,
    {
      ...driftInput,
      ...(kind === undefined ? {} : { kind: kindOf[kind] }),
      ...(page === undefined ? {} : { pageToken: page }),
    },
    { ...live, placeholderData: keepPreviousData },
  );
  const drifts = query.data?.drifts ?? [];
  const walked = query.data?.walkEndTime !== undefined;
  const columns: Column<Drift>[] = [
    {
      header: "What",
      width: "30%",
      cell: (drift) => (
        <SubjectCell
          subject={drift.subject}
          name={drift.name}
          registered={drift.kind !== DriftKind.UNMANAGED}
        />
      ),
    },
    {
      header: "How it differs",
      plain: true,
      cell: (drift) => (
        <>
          <StatusBadge tone={kindWords[drift.kind].tone}>{kindWords[drift.kind].label}</StatusBadge>
          {drift.fields.length > 0 && (
            <ul className={classes.fields}>
              {drift.fields.map((field) => (
                <li key={field.field}>{differenceInWords(field)}</li>
              ))}
            </ul>
          )}
        </>
      ),
    },
    {
      header: "First seen",
      width: "17%",
      cell: (drift) => (
        <Two
          first={<When time={drift.firstSeenTime} />}
          second={
            <>
              last seen <When time={drift.lastSeenTime} />
            </>
          }
        />
      ),
    },
    {
      header: "Act",
      headless: true,
      plain: true,
      width: "12rem",
      cell: (drift) => {
        const name = nameOf(drift);
        return (
          <Group gap="xs">
            <ActButton
              size="xs"
              variant="default"
              aria-label={`Adopt ${name}`}
              disabledReason={reasonAgainst("adopt", drift, session.isAdmin)}
              onClick={() => setAct({ what: "adopt", drift })}
            >
              Adopt
            </ActButton>
            <ActButton
              size="xs"
              variant="default"
              aria-label={`Revert ${name}`}
              disabledReason={reasonAgainst("revert", drift, session.isAdmin)}
              onClick={() => setAct({ what: "revert", drift })}
            >
              Revert
            </ActButton>
          </Group>
        );
      },
    },
  ];
  const close = () => setAct(undefined);
  return (
    <>
      <Toolbar>
        <ChoiceFilter name="kind" label="How it differs" value={kind} choices={choices} />
      </Toolbar>
      {query.error !== null && (
        <FaultAlert error={query.error} retry={() => void query.refetch()} />
      )}
      <Panel flush>
        {query.isPending && <TableSkeleton />}
        {drifts.length > 0 && (
          <DataTable
            label="Drift"
            columns={columns}
            rows={drifts}
            rowKey={(drift) => drift.subject}
            busy={query.isPlaceholderData}
          />
        )}
        {query.isSuccess &&
          drifts.length === 0 &&
          (kind !== undefined || page !== undefined ? (
            <Empty
              icon={<IconCircleCheck size={24} />}
              title="Nothing differs in this way"
              action={
                <ButtonLink variant="default" {...paths.drift()}>
                  Show all kinds
                </ButtonLink>
              }
            >
              Other kinds may be there.
            </Empty>
          ) : walked ? (
            <Empty
              icon={<IconCircleCheck size={24} />}
              title="The pool says what the registry says"
            >
              As of the last walk. What somebody changes in the pool after it shows after the next.
            </Empty>
          ) : (
            <Empty icon={<IconRoute size={24} />} title="Nobody has looked yet">
              Differences are found by a walk through the pool. The first begins by itself; a
              platform admin can start one now.
            </Empty>
          ))}
        <Pager page={page} nextPageToken={query.data?.nextPageToken ?? ""} />
      </Panel>
      {act?.what === "adopt" && (
        <AdoptDialog drift={act.drift} name={nameOf(act.drift)} onClose={close} />
      )}
      {act?.what === "revert" && (
        <RevertDialog drift={act.drift} name={nameOf(act.drift)} onClose={close} />
      )}
    </>
  );
}

function nameOf(drift: Drift): string {
  return drift.name === "" ? parseSubject(drift.subject).key : drift.name;
}

function reasonAgainst(
  act: "adopt" | "revert",
  drift: Drift,
  isAdmin: boolean,
): string | undefined {
  if (!isAdmin) return "Only platform admins may do this";
  if (act === "adopt" && drift.kind === DriftKind.MISSING) {
    return "The pool does not have it: there is nothing to adopt";
  }
  if (act === "revert" && drift.kind === DriftKind.UNMANAGED) {
    return "The registry does not have it: adopt it, or delete it in the pool";
  }
  return undefined;
}
