import { useQuery } from "@connectrpc/connect-query";
import { Stack, Text } from "@mantine/core";
import { IconKey, IconPencil } from "@tabler/icons-react";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ResourceServerService, type ResourceServer } from "~/api";
import { useCall, useChange, useRefresh } from "~/api/call";
import { live } from "~/api/live";
import { ActButton } from "~/components/act-button";
import { ActDialog } from "~/components/act-dialog";
import { StatusBadge } from "~/components/badge";
import { DangerRow, DangerZone } from "~/components/danger";
import { DataTable, TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { ButtonLink, TextLink } from "~/components/links";
import { CodeBlock, Key, ScopeName } from "~/components/mono";
import { Empty, Fact, Facts, PageHeader, Panel } from "~/components/page";
import { SecretsPanel } from "~/components/secrets-panel";
import { UrlTabs } from "~/components/tabs";
import { When } from "~/components/when";
import { GrantsPanel } from "~/features/grants/grants-panel";
import { VerifiersBadge, VerifiersTab } from "~/features/resource-servers/verifiers";
import { introspectionCommand, tokenCommandOfAnyClient } from "~/lib/commands";
import { paths, resourceServerTabs } from "~/lib/paths";
import { compact, oneOf } from "~/lib/search-params";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";
import { PageActions } from "~/shell/page-actions";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/resource-servers/$identifier/")({
  validateSearch: (search) => compact({ tab: oneOf(search, "tab", resourceServerTabs) }),
  component: ResourceServerPage,
});

function ResourceServerPage() {
  const { identifier } = Route.useParams();
  const { tab } = Route.useSearch();
  const session = useSession();
  const navigate = useNavigate();
  const query = useQuery(ResourceServerService.method.getResourceServer, { identifier }, live);
  const reload = () => void query.refetch();
  if (query.error !== null && query.data === undefined) {
    return <FaultPage error={query.error} retry={reload} />;
  }
  const server = query.data?.resourceServer;
  const mayManage = server !== undefined && session.mayManage(server.team) && !server.builtIn;
  const disabledReason =
    server === undefined ? "Loading" : reasonAgainst(server, mayManage, session.teamName);
  return (
    <>
      <PageHeader
        title={server?.displayName ?? identifier}
        badge={
          server?.builtIn === true ? <StatusBadge tone="info">Built in</StatusBadge> : undefined
        }
        subtitle={server?.description}
        parents={[{ label: "Resource servers", link: paths.resourceServers() }]}
        actions={
          <>
            {mayManage && (
              <ButtonLink
                variant="default"
                leftSection={<IconPencil size={16} />}
                {...paths.editResourceServer(identifier)}
              >
                Edit
              </ButtonLink>
            )}
            <ButtonLink
              // Who owns the API has other things to do here first.
              variant={mayManage ? "default" : "filled"}
              leftSection={<IconKey size={16} />}
              {...paths.newGrant({ "resource-server": identifier })}
            >
              Ask for access
            </ButtonLink>
          </>
        }
      />
      {server === undefined ? (
        <TableSkeleton />
      ) : (
        <>
          <PageActions
            actions={[
              ...(mayManage
                ? [
                    {
                      label: `Edit ${server.displayName}`,
                      keywords: "add scope",
                      run: () => void navigate(paths.editResourceServer(identifier)),
                    },
                  ]
                : []),
              {
                label: `Ask for access to ${server.displayName}`,
                keywords: "grant scope request",
                run: () => void navigate(paths.newGrant({ "resource-server": identifier })),
              },
              {
                label: `Who has access to ${server.displayName}`,
                keywords: "grants clients",
                run: () => void navigate(paths.resourceServer(identifier, { tab: "access" })),
              },
              {
                label: `Activity of ${server.displayName}`,
                keywords: "log history",
                run: () => void navigate(paths.activity({ "resource-server": identifier })),
              },
            ]}
          />
          <Panel>
            <Facts>
              <Fact name="Identifier">
                <Key value={server.identifier} what="identifier" />
              </Fact>
              <Fact name="Owning team">
                <TextLink {...paths.team(server.team)}>{session.teamName(server.team)}</TextLink>
              </Fact>
              <Fact name="Registered">
                <When time={server.createTime} absent="with Turnpike" />
              </Fact>
              <Fact name="Changed">
                <When time={server.updateTime} />
              </Fact>
              <Fact name="Verifiers">
                <VerifiersBadge identifier={identifier} />
              </Fact>
            </Facts>
          </Panel>
          <UrlTabs
            label="About this resource server"
            tab={tab}
            tabs={[
              {
                value: "scopes",
                label: "Scopes",
                count: server.scopes.length,
                content: () => <ScopesTab server={server} mayManage={mayManage} />,
              },
              {
                value: "access",
                label: "Who has access",
                content: () => (
                  <GrantsPanel
                    title="Who has access"
                    hint="Grants that your teams may see, newest first"
                    of={{ resourceServer: identifier }}
                    empty={{
                      title: "Nobody has access yet",
                      text: "A team asks for scopes for one of its clients; the request then waits here for the owning team.",
                      action: (
                        <ButtonLink
                          variant="default"
                          {...paths.newGrant({ "resource-server": identifier })}
                        >
                          Ask for access
                        </ButtonLink>
                      ),
                    }}
                  />
                ),
              },
              {
                value: "secrets",
                label: "Secrets",
                content: () => (
                  <SecretsTab server={server} disabledReason={disabledReason} reload={reload} />
                ),
              },
              {
                value: "verifiers",
                label: "Verifiers",
                content: () => <VerifiersTab server={server} />,
              },
              {
                value: "settings",
                label: "Settings",
                content: () => (
                  <SettingsTab server={server} disabledReason={disabledReason} reload={reload} />
                ),
              },
            ]}
          />
        </>
      )}
    </>
  );
}

function reasonAgainst(
  server: ResourceServer,
  mayManage: boolean,
  teamName: (team: string) => string,
): string | undefined {
  if (server.builtIn)
    return "This resource server is built in: Turnpike itself answers to its scopes";
  return mayManage ? undefined : `Only members of team ${teamName(server.team)} may do this`;
}

function ScopesTab({ server, mayManage }: { server: ResourceServer; mayManage: boolean }) {
  return (
    <>
      <ScopeList server={server} mayManage={mayManage} />
      <TokenCall server={server} />
    </>
  );
}

/** How a client comes to a token for this API, ready to paste. */
function TokenCall({ server }: { server: ResourceServer }) {
  const session = useSession();
  const [scope] = server.scopes;
  if (scope === undefined) return null;
  return (
    <Panel
      title="Get a token for this API"
      hint="For a client that has been given the scope. The page of a client has this call with the client’s own id."
    >
      <CodeBlock
        code={tokenCommandOfAnyClient(
          session.deployment?.tokenEndpoint ?? "",
          `${server.identifier}/${scope.name}`,
        )}
        what="token command"
      />
    </Panel>
  );
}

function ScopeList({ server, mayManage }: { server: ResourceServer; mayManage: boolean }) {
  return (
    <Panel flush>
      {server.scopes.length === 0 ? (
        <Empty
          icon={<IconKey size={24} />}
          title="This resource server offers no scopes yet"
          action={
            mayManage && (
              <ButtonLink {...paths.editResourceServer(server.identifier)}>Add scopes</ButtonLink>
            )
          }
        >
          A scope is a permission that can be granted on its own, such as <code>place-order</code>.
          Without one, nobody can be given access.
        </Empty>
      ) : (
        <DataTable
          label="Scopes"
          rows={server.scopes}
          rowKey={(scope) => scope.name}
          columns={[
            {
              header: "Scope",
              width: "45%",
              cell: (scope) => <ScopeName scope={`${server.identifier}/${scope.name}`} />,
            },
            {
              header: "What a client may do with it",
              plain: true,
              cell: (scope) => scope.description,
            },
          ]}
        />
      )}
    </Panel>
  );
}

interface TabProps {
  server: ResourceServer;
  disabledReason: string | undefined;
  reload: () => void;
}

function SecretsTab({ server, disabledReason, reload }: TabProps) {
  const session = useSession();
  const call = useCall();
  const change = useChange();
  const { identifier } = server;
  if (disabledReason !== undefined && !session.isAuditor) {
    return (
      <Panel title="Secrets">
        <Text size="sm" c="dimmed">
          {disabledReason}. Secrets are listed only to the owning team, platform admins and
          auditors.
        </Text>
      </Panel>
    );
  }
  return (
    <Stack gap={0}>
      <SecretsPanel
        owner={server.displayName}
        userName={{ label: "Identifier", value: identifier }}
        secrets={server.secrets}
        disabledReason={disabledReason}
        usedFor="ask about tokens"
        canRevokeTokens={false}
        add={async (requestId) =>
          (
            await change(ResourceServerService.method.addResourceServerSecret, {
              identifier,
              requestId,
            })
          ).secret
        }
        remove={async ({ secretId, validateOnly }) =>
          (
            await (validateOnly ? call : change)(
              ResourceServerService.method.removeResourceServerSecret,
              {
                identifier,
                secretId,
                validateOnly,
              },
            )
          ).impact
        }
        reload={reload}
      />
      <Panel
        title="Ask about a token"
        hint="With this secret, and only about tokens that carry the API’s scopes (RFC 7662). For whoever cannot follow the policy with the SDK, see Verifiers; with keys alone an API trusts a token until the token ends."
      >
        <CodeBlock
          code={introspectionCommand(session.deployment?.introspectionEndpoint ?? "", identifier)}
          what="introspection command"
        />
      </Panel>
    </Stack>
  );
}

function SettingsTab({ server, disabledReason, reload }: TabProps) {
  const navigate = useNavigate();
  const call = useCall();
  const refresh = useRefresh();
  const [deleting, setDeleting] = useState(false);
  const { identifier, etag } = server;
  return (
    <>
      <Panel title="History" hint="Who changed what, and when">
        <ButtonLink
          variant="default"
          size="xs"
          {...paths.activity({ "resource-server": identifier })}
        >
          Show this resource server’s activity
        </ButtonLink>
      </Panel>
      <DangerZone>
        <DangerRow
          title="Delete this resource server"
          action={
            <ActButton
              color="red"
              variant="outline"
              disabledReason={disabledReason}
              onClick={() => setDeleting(true)}
            >
              Delete
            </ActButton>
          }
        >
          Its scopes and secrets go too. Grants that use them must be ended in the same step.
        </DangerRow>
      </DangerZone>
      {deleting && (
        <ActDialog
          title={`Delete the resource server ${server.displayName}?`}
          actLabel="Delete it"
          check={async () =>
            (
              await call(ResourceServerService.method.deleteResourceServer, {
                identifier,
                etag,
                validateOnly: true,
                force: true,
              })
            ).impact
          }
          act={async ({ force }) => {
            await call(ResourceServerService.method.deleteResourceServer, {
              identifier,
              etag,
              force,
            });
            notify(`${server.displayName} is deleted`);
            await navigate(paths.resourceServers());
            // After leaving the page, so that it does not ask for what is gone.
            await refresh();
          }}
          onClose={() => setDeleting(false)}
          reload={() => {
            setDeleting(false);
            reload();
          }}
        >
          <code>{identifier}</code> with {count(server.scopes.length, "scope")}. This cannot be
          undone.
        </ActDialog>
      )}
    </>
  );
}
