import { useQuery } from "@connectrpc/connect-query";
import { Stack, Text } from "@mantine/core";
import { IconKey, IconPencil, IconPlayerPause, IconPlayerPlay } from "@tabler/icons-react";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ClientService, ClientState, type Client } from "~/api";
import { useCall, useChange } from "~/api/call";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { ClientBadge } from "~/components/badge";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { ButtonLink, TextLink } from "~/components/links";
import { CodeBlock, Key, Scopes } from "~/components/mono";
import { Fact, Facts, PageHeader, Panel } from "~/components/page";
import { SecretsPanel } from "~/components/secrets-panel";
import { Refused } from "~/components/refused";
import { UrlTabs } from "~/components/tabs";
import { When } from "~/components/when";
import { ClientActDialog, ClientSettings, type ClientAct } from "~/features/clients/acts";
import { GrantsPanel } from "~/features/grants/grants-panel";
import { tokenCommand } from "~/lib/commands";
import { clientTabs, paths } from "~/lib/paths";
import { compact, oneOf } from "~/lib/search-params";
import { durationInWords } from "~/lib/time";
import { useSession } from "~/session/session";
import { PageActions } from "~/shell/page-actions";

export const Route = createFileRoute("/clients/$clientId/")({
  validateSearch: (search) => compact({ tab: oneOf(search, "tab", clientTabs) }),
  component: ClientPage,
});

function ClientPage() {
  const { clientId } = Route.useParams();
  const { tab } = Route.useSearch();
  const session = useSession();
  const navigate = useNavigate();
  const [act, setAct] = useState<ClientAct>();
  const query = useQuery(ClientService.method.getClient, { clientId }, live);
  const reload = () => void query.refetch();
  if (query.error !== null && query.data === undefined) {
    return <FaultPage error={query.error} retry={reload} />;
  }
  const client = query.data?.client;
  const mayManage = client !== undefined && session.mayManage(client.team);
  const disabledReason =
    client === undefined
      ? "Loading"
      : mayManage
        ? undefined
        : `Only members of team ${session.teamName(client.team)} may do this`;
  const enabled = client?.state === ClientState.ENABLED;
  return (
    <>
      <PageHeader
        title={client?.displayName ?? "Client"}
        badge={client === undefined ? undefined : <ClientBadge state={client.state} />}
        subtitle={client?.description}
        parents={[{ label: "Clients", link: paths.clients() }]}
        actions={
          client !== undefined && (
            <>
              {mayManage && (
                <ButtonLink
                  variant="default"
                  leftSection={<IconPencil size={16} />}
                  {...paths.editClient(clientId)}
                >
                  Edit
                </ButtonLink>
              )}
              <ActButton
                variant="default"
                leftSection={enabled ? <IconPlayerPause size={16} /> : <IconPlayerPlay size={16} />}
                disabledReason={disabledReason}
                onClick={() => setAct(enabled ? "disable" : "enable")}
              >
                {enabled ? "Disable" : "Enable"}
              </ActButton>
            </>
          )
        }
      />
      {client === undefined ? (
        <TableSkeleton />
      ) : (
        <>
          <PageActions
            actions={[
              ...(mayManage
                ? [
                    {
                      label: enabled
                        ? `Disable ${client.displayName}`
                        : `Enable ${client.displayName}`,
                      keywords: "stop start",
                      run: () => setAct(enabled ? "disable" : "enable"),
                    },
                    {
                      label: `Edit ${client.displayName}`,
                      run: () => void navigate(paths.editClient(clientId)),
                    },
                    {
                      label: `Ask for access for ${client.displayName}`,
                      keywords: "grant scope",
                      run: () => void navigate(paths.newGrant({ client: clientId })),
                    },
                    {
                      label: `Replace the secret of ${client.displayName}`,
                      keywords: "rotate add",
                      run: () => void navigate(paths.client(clientId, { tab: "secrets" })),
                    },
                  ]
                : []),
              {
                label: `Get a token as ${client.displayName}`,
                keywords: "curl command",
                run: () => void navigate(paths.client(clientId, { tab: "try" })),
              },
              {
                label: `Activity of ${client.displayName}`,
                keywords: "log history",
                run: () => void navigate(paths.activity({ client: clientId })),
              },
            ]}
          />
          {!enabled && (
            <Panel tone="attention">
              <Text size="sm">
                <b>This client is disabled.</b> It gets no token. The tokens it holds are refused{" "}
                <Refused lifetime={client.tokenLifetime} />.
              </Text>
            </Panel>
          )}
          <Panel>
            <Facts>
              <Fact name="Client id">
                <Key value={client.clientId} what="client id" />
              </Fact>
              <Fact name="Owning team">
                <TextLink {...paths.team(client.team)}>{session.teamName(client.team)}</TextLink>
              </Fact>
              <Fact name="Token lifetime">
                {durationInWords(Number(client.tokenLifetime?.seconds ?? 3600n))}
              </Fact>
              <Fact name="Tokens revoked">
                <When time={client.tokensRevokedTime} />
              </Fact>
            </Facts>
          </Panel>
          <UrlTabs
            label="About this client"
            tab={tab}
            tabs={[
              {
                value: "access",
                label: "Access",
                content: () => <AccessTab client={client} mayManage={mayManage} />,
              },
              {
                value: "secrets",
                label: "Secrets",
                count: client.secrets.length,
                content: () => (
                  <SecretsTab client={client} disabledReason={disabledReason} reload={reload} />
                ),
              },
              { value: "try", label: "Get a token", content: () => <TryTab client={client} /> },
              {
                value: "settings",
                label: "Settings",
                content: () => (
                  <ClientSettings client={client} disabledReason={disabledReason} onAct={setAct} />
                ),
              },
            ]}
          />
          {act !== undefined && (
            <ClientActDialog
              client={client}
              act={act}
              onClose={() => setAct(undefined)}
              reload={() => {
                setAct(undefined);
                reload();
              }}
            />
          )}
        </>
      )}
    </>
  );
}

function AccessTab({ client, mayManage }: { client: Client; mayManage: boolean }) {
  const ask = (
    <ButtonLink
      variant="default"
      size="xs"
      leftSection={<IconKey size={14} />}
      {...paths.newGrant({ client: client.clientId })}
    >
      Ask for access
    </ButtonLink>
  );
  return (
    <>
      <Panel
        title="Scopes held now"
        hint="From the client’s active grants; its tokens carry no others"
      >
        {client.scopes.length === 0 ? (
          <Text size="sm" c="dimmed">
            None: this client can get no useful token yet.
          </Text>
        ) : (
          <Scopes scopes={client.scopes} />
        )}
      </Panel>
      <GrantsPanel
        title="Grants"
        hint="What was asked for this client, and how it was decided"
        {...(mayManage ? { actions: ask } : {})}
        of={{ clientId: client.clientId }}
        empty={{
          title: "This client has no access yet",
          text: "Choose a resource server and the scopes that the client needs. The owning team decides.",
          action: mayManage ? ask : undefined,
        }}
      />
    </>
  );
}

function SecretsTab({
  client,
  disabledReason,
  reload,
}: {
  client: Client;
  disabledReason: string | undefined;
  reload: () => void;
}) {
  const call = useCall();
  const change = useChange();
  const { clientId } = client;
  return (
    <SecretsPanel
      owner={client.displayName}
      userName={{ label: "Client id", value: clientId }}
      secrets={client.secrets}
      disabledReason={disabledReason}
      usedFor="get tokens"
      canRevokeTokens
      add={async (requestId) =>
        (await change(ClientService.method.addClientSecret, { clientId, requestId })).secret
      }
      remove={async (input) =>
        (
          await (input.validateOnly ? call : change)(ClientService.method.removeClientSecret, {
            clientId,
            ...input,
          })
        ).impact
      }
      reload={reload}
    />
  );
}

function TryTab({ client }: { client: Client }) {
  const session = useSession();
  const endpoint = session.deployment?.tokenEndpoint ?? "";
  return (
    <Panel
      title="Get a token"
      hint="OAuth 2.0 client credentials, for the scopes granted to this client"
    >
      <Stack gap="md">
        {client.scopes.length === 0 && (
          <Text size="sm">
            This client holds no scope yet, so the answer will be an error until a grant is active.
          </Text>
        )}
        <div>
          <Text size="sm" mb={6}>
            Put the client’s secret into the environment (in most shells a leading space keeps it
            out of the history), then paste:
          </Text>
          <CodeBlock code={` export CLIENT_SECRET='…'`} what="command that sets the secret" />
        </div>
        <CodeBlock
          code={tokenCommand(endpoint, client.clientId, client.scopes)}
          what="token command"
        />
        <Text size="sm" c="dimmed">
          Without <code>scope</code> the token carries all that is granted. Keep a token until
          shortly before it expires instead of getting one for each call.
        </Text>
      </Stack>
    </Panel>
  );
}
