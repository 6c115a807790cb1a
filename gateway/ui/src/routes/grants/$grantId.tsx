import { useQuery } from "@connectrpc/connect-query";
import { Stack, Text } from "@mantine/core";
import { IconCheck, IconX } from "@tabler/icons-react";
import { createFileRoute } from "@tanstack/react-router";
import { useState } from "react";
import { GrantService, GrantState, type Grant } from "~/api";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { GrantBadge } from "~/components/badge";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { TextLink } from "~/components/links";
import { Key } from "~/components/mono";
import { Fact, Facts, PageHeader, Panel } from "~/components/page";
import { GrantActDialog, type GrantAct } from "~/features/grants/acts";
import { GrantScopes, HeldAlready } from "~/features/grants/grant-scopes";
import { GrantHistory } from "~/features/grants/history";
import { nameOfClient } from "~/features/grants/grants-table";
import { ServerName, useServerName } from "~/components/server-name";
import { paths } from "~/lib/paths";
import { useSession, type Session } from "~/session/session";
import { PageActions } from "~/shell/page-actions";
import { End } from "~/components/when";
import { Who } from "~/components/who";

export const Route = createFileRoute("/grants/$grantId")({ component: GrantPage });

function GrantPage() {
  const { grantId } = Route.useParams();
  const session = useSession();
  const [act, setAct] = useState<GrantAct>();
  const query = useQuery(GrantService.method.getGrant, { grantId }, live);
  const serverName = useServerName(query.data?.grant?.resourceServer ?? "");
  const reload = () => void query.refetch();
  if (query.error !== null && query.data === undefined) {
    return <FaultPage error={query.error} retry={reload} />;
  }
  const grant = query.data?.grant;
  const parents = [{ label: "Grants", link: paths.grants() }];
  if (grant === undefined) {
    return (
      <>
        <PageHeader title="Grant" parents={parents} />
        <TableSkeleton />
      </>
    );
  }
  const pending = grant.state === GrantState.PENDING;
  const against = reasonAgainstDeciding(grant, session);
  const mine = session.memberTeams.some((team) => team.team === grant.resourceServerTeam);
  const mayEnd = session.mayManage(grant.clientTeam) || session.mayManage(grant.resourceServerTeam);
  return (
    <>
      {pending && against === undefined && (
        <PageActions
          actions={[
            { label: "Approve this request", run: () => setAct("approve") },
            { label: "Deny this request", run: () => setAct("deny") },
          ]}
        />
      )}
      <PageHeader
        title={`${nameOfClient(grant)} → ${serverName}`}
        badge={<GrantBadge state={grant.state} />}
        parents={parents}
        actions={
          <>
            {pending && (
              <>
                <ActButton
                  leftSection={<IconCheck size={16} />}
                  disabledReason={against}
                  onClick={() => setAct("approve")}
                >
                  Approve
                </ActButton>
                <ActButton
                  variant="default"
                  leftSection={<IconX size={16} />}
                  disabledReason={against}
                  onClick={() => setAct("deny")}
                >
                  Deny
                </ActButton>
              </>
            )}
            {pending && session.mayManage(grant.clientTeam) && (
              <ActButton
                variant="outline"
                color="red"
                disabledReason={undefined}
                onClick={() => setAct("revoke")}
              >
                Withdraw
              </ActButton>
            )}
            {grant.state === GrantState.ACTIVE && (
              <ActButton
                variant="outline"
                color="red"
                disabledReason={
                  mayEnd
                    ? undefined
                    : `Only members of team ${session.teamName(grant.clientTeam)} or ${session.teamName(grant.resourceServerTeam)} may do this`
                }
                onClick={() => setAct("revoke")}
              >
                Revoke
              </ActButton>
            )}
          </>
        }
      />
      {pending && (
        <Panel tone="attention">
          <Text size="sm">
            This request waits for{" "}
            {against === undefined && (mine ? "you or somebody else of " : "you or ")}team{" "}
            <TextLink inherit underline="always" {...paths.team(grant.resourceServerTeam)}>
              {session.teamName(grant.resourceServerTeam)}
            </TextLink>
            .{against === undefined && !mine && " You may decide it as a platform admin."}
          </Text>
        </Panel>
      )}
      <Panel title={pending ? "What is asked for" : "What was given"}>
        <Facts>
          <Fact name="Client">
            <TextLink {...paths.client(grant.clientId)}>{nameOfClient(grant)}</TextLink>
            <Text size="sm" c="dimmed">
              Team {session.teamName(grant.clientTeam)}
            </Text>
          </Fact>
          <Fact name="Resource server">
            <TextLink {...paths.resourceServer(grant.resourceServer)}>
              <ServerName identifier={grant.resourceServer} />
            </TextLink>
            <Text size="sm" c="dimmed">
              <code>{grant.resourceServer}</code> · Team{" "}
              {session.teamName(grant.resourceServerTeam)}
            </Text>
          </Fact>
          <Fact name={grant.endTime === undefined ? "Ends" : "Ended"}>
            <End time={grant.endTime ?? grant.expireTime} absent="no end" />
          </Fact>
          <Fact name="Grant id">
            <Key value={grant.grantId} what="grant id" />
          </Fact>
        </Facts>
        <Stack gap="md" mt="md">
          <div>
            <Text size="sm" c="dimmed" mb={4}>
              Scopes
            </Text>
            <GrantScopes grant={grant} />
          </div>
          {pending && <HeldAlready grant={grant} />}
          <div>
            <Text size="sm" c="dimmed">
              Reason, as <Who principal={grant.requester} /> gave it
            </Text>
            <Text style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{grant.reason}</Text>
          </div>
        </Stack>
      </Panel>
      <GrantHistory grant={grant} />
      {act !== undefined && (
        <GrantActDialog
          grant={grant}
          act={act}
          onClose={() => setAct(undefined)}
          reload={() => {
            setAct(undefined);
            reload();
          }}
        />
      )}
    </>
  );
}

/** Why the user may not decide; the server decides in the end, this is what the buttons say. */
function reasonAgainstDeciding(grant: Grant, session: Session): string | undefined {
  if (!session.mayManage(grant.resourceServerTeam)) {
    return `Team ${session.teamName(grant.resourceServerTeam)} decides`;
  }
  if (grant.requester?.id === session.id && grant.clientTeam !== grant.resourceServerTeam) {
    return "You asked for it: somebody else has to decide";
  }
  return undefined;
}
