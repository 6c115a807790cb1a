import { useQuery } from "@connectrpc/connect-query";
import { Group, Text } from "@mantine/core";
import { IconShieldCheck } from "@tabler/icons-react";
import { IntrospectionService, type ResourceServer, type Verifier } from "~/api";
import { StatusBadge } from "~/components/badge";
import { DataTable, TableSkeleton } from "~/components/data-table";
import { CodeBlock } from "~/components/mono";
import { Empty, Panel } from "~/components/page";
import { When } from "~/components/when";
import { followCode } from "~/lib/commands";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";

/** Somebody who has pressed "revoke" watches this. */
const watched = { refetchInterval: 2_000 } as const;

function useVerifiers(identifier: string) {
  return useQuery(
    IntrospectionService.method.listVerifiers,
    { identifier, pageSize: 200 },
    watched,
  );
}

/** How many processes of an API know the newest change; nothing where none follows. */
export function VerifiersBadge({ identifier }: { identifier: string }) {
  const { data } = useVerifiers(identifier);
  if (data === undefined) return null;
  const { total, upToDate } = data;
  if (total === 0) return <span>none follows</span>;
  const all = upToDate === total;
  return (
    <StatusBadge tone={all ? "good" : "waiting"}>
      {all ? `All ${total} up to date` : `${upToDate} of ${total} up to date`}
    </StatusBadge>
  );
}

/** The processes that follow the policy of an API, and how one more does. */
export function VerifiersTab({ server }: { server: ResourceServer }) {
  return (
    <>
      <VerifierList identifier={server.identifier} />
      <HowToFollow identifier={server.identifier} />
    </>
  );
}

function VerifierList({ identifier }: { identifier: string }) {
  const { data } = useVerifiers(identifier);
  if (data === undefined) return <TableSkeleton />;
  const { total, upToDate, verifiers, changedSequence } = data;
  if (total === 0) {
    return (
      <Panel flush>
        <Empty
          icon={<IconShieldCheck size={24} />}
          title="No process of this API follows its policy"
        >
          An API that follows learns of every revocation at once, and decides without asking. Others
          ask about each token, or trust it until it ends.
        </Empty>
      </Panel>
    );
  }
  return (
    <Panel
      flush={verifiers.length > 0}
      title="Verifiers"
      hint={`Processes of this API that follow who may still do what. The newest change that concerns it is event ${changedSequence}.`}
      actions={<VerifiersBadge identifier={identifier} />}
    >
      {verifiers.length === 0 ? (
        <Text size="sm" c="dimmed">
          {`${upToDate} of ${count(total, "process", "processes")} know the newest change. Which ones they are is shown to the owning team, platform admins and auditors.`}
        </Text>
      ) : (
        <DataTable
          label="Verifiers"
          rows={verifiers}
          rowKey={(verifier) =>
            `${verifier.name} ${String(verifier.connectTime?.seconds)} ${String(verifier.connectTime?.nanos)}`
          }
          columns={[
            {
              header: "Process",
              width: "35%",
              plain: true,
              cell: (verifier) => verifier.name,
            },
            {
              header: "Software",
              plain: true,
              cell: (verifier) => verifier.software,
            },
            {
              header: "Connected",
              cell: (verifier) => <When time={verifier.connectTime} />,
            },
            {
              header: "Knows",
              cell: (verifier) => <Knows verifier={verifier} />,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Knows({ verifier }: { verifier: Verifier }) {
  return (
    <Group gap="xs">
      <StatusBadge tone={verifier.upToDate ? "good" : "waiting"}>
        {verifier.upToDate ? "Everything" : `Up to event ${verifier.appliedSequence}`}
      </StatusBadge>
    </Group>
  );
}

function HowToFollow({ identifier }: { identifier: string }) {
  const session = useSession();
  return (
    <Panel
      title="Follow the policy"
      hint="With the SDK’s feature feed: three settings, and nothing to deploy when a client comes or goes. Without Turnpike it refuses after ten seconds, unless told otherwise."
    >
      <CodeBlock
        code={followCode(session.deployment?.tokenEndpoint ?? "", identifier)}
        what="code"
      />
    </Panel>
  );
}
