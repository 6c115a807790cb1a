import { Button, Group, Stack, Textarea, TextInput } from "@mantine/core";
import { IconBuildingBroadcastTower } from "@tabler/icons-react";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { GrantService, GrantState } from "~/api";
import { useCall, useChange } from "~/api/call";
import { TableSkeleton } from "~/components/data-table";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { ButtonLink } from "~/components/links";
import { Empty, PageHeader, Panel } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import {
  ClientSelect,
  ResourceServerSelect,
  ScopesOf,
  useMyClients,
} from "~/features/grants/ask-fields";
import { NoTeam } from "~/features/teams/no-team";
import { newRequestId } from "~/lib/clipboard";
import { paths } from "~/lib/paths";
import { requestProblems } from "~/lib/rules";
import { compact, text } from "~/lib/search-params";
import { endOfDayIn, toTimestamp } from "~/lib/time";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/grants/new")({
  validateSearch: (search) =>
    compact({ client: text(search, "client"), "resource-server": text(search, "resource-server") }),
  component: NewGrantPage,
});

const ends = [
  { label: "In 30 days", days: 30 },
  { label: "In 90 days", days: 90 },
  { label: "In a year", days: 365 },
  { label: "No end", days: 0 },
];

type Values = {
  clientId: string;
  resourceServer: string;
  scopes: string[];
  reason: string;
  /** As the browser's field writes it, local time; empty for a grant without an end. */
  expireTime: string;
};

function NewGrantPage() {
  const session = useSession();
  const search = Route.useSearch();
  const { found, mine } = useMyClients("");
  // Whoever comes from the page of a client has one.
  const isKnown = search.client !== undefined || found.isSuccess || found.isError;
  const hasNone = search.client === undefined && found.isSuccess && mine.length === 0;
  return (
    <>
      <PageHeader
        title="Ask for access"
        subtitle="Scopes of one resource server, for one client. The team that owns the resource server decides."
        parents={[{ label: "Grants", link: paths.grants() }]}
      />
      {!isKnown && <TableSkeleton />}
      {hasNone && (session.actingTeams.length === 0 ? <NoTeam /> : <NoClient />)}
      {isKnown && !hasNone && <AskForm />}
    </>
  );
}

/** Access is a client's: without one there is nothing to fill in. */
function NoClient() {
  return (
    <Panel>
      <Empty
        icon={<IconBuildingBroadcastTower size={24} />}
        title="Your team has no client yet"
        action={<ButtonLink {...paths.newClient()}>Register a client</ButtonLink>}
      >
        Access is given to a client: a partner’s system, or a service of yours. Register one first;
        it can ask for scopes in the same step.
      </Empty>
    </Panel>
  );
}

function AskForm() {
  const session = useSession();
  const search = Route.useSearch();
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const requestId = useRef(newRequestId());
  const input = (values: Values) => ({
    clientId: values.clientId,
    resourceServer: values.resourceServer,
    scopes: values.scopes,
    reason: values.reason,
    ...(values.expireTime === "" ? {} : { expireTime: toTimestamp(new Date(values.expireTime)) }),
  });
  const server = useServerForm<Values>({
    initialValues: {
      clientId: search.client ?? "",
      resourceServer: search["resource-server"] ?? "",
      scopes: [],
      reason: "",
      expireTime: "",
    },
    rules: ({ expireTime, ...values }) =>
      requestProblems(
        { ...values, expires: expireTime === "" ? undefined : new Date(expireTime) },
        new Date(),
      ),
    validate: (values) =>
      call(GrantService.method.requestGrant, { ...input(values), validateOnly: true }),
    save: async (values) => {
      const { grant } = await change(GrantService.method.requestGrant, {
        ...input(values),
        requestId: requestId.current,
      });
      if (grant === undefined) return true;
      notify(
        grant.state === GrantState.ACTIVE ? "The grant is active" : "The request is on its way",
        grant.state === GrantState.ACTIVE
          ? undefined
          : `The request waits for team ${session.teamName(grant.resourceServerTeam)}.`,
      );
      await navigate(paths.grant(grant.grantId));
      return true;
    },
  });
  const values = server.form.getValues();
  return (
    <>
      <LeaveGuard when={server.isDirty} />
      <PageForm
        onSubmit={server.submit}
        error={server.error}
        busy={server.busy}
        submitLabel="Ask for access"
        cancel={
          <ButtonLink variant="default" {...paths.grants()}>
            Cancel
          </ButtonLink>
        }
      >
        <Panel title="For whom">
          <ClientSelect
            value={values.clientId}
            error={server.problem("clientId")}
            onChange={(clientId) => {
              server.form.setFieldValue("clientId", clientId);
              server.check("clientId");
            }}
          />
        </Panel>
        <Panel title="To what">
          <Stack>
            <ResourceServerSelect
              value={values.resourceServer}
              error={server.problem("resourceServer")}
              onChange={(resourceServer) => {
                server.form.setValues({ resourceServer, scopes: [] });
                server.check("resourceServer");
              }}
            />
            {values.resourceServer !== "" && (
              <ScopesOf
                identifier={values.resourceServer}
                clientId={values.clientId}
                value={values.scopes}
                error={server.problem("scopes")}
                onChange={(scopes) => {
                  server.form.setFieldValue("scopes", scopes);
                  server.check("scopes");
                }}
              />
            )}
          </Stack>
        </Panel>
        <Panel title="Why, and until when">
          <Stack>
            <Textarea
              label="Reason"
              description="The people who decide read it: what will the system do with this access?"
              withAsterisk
              autosize
              minRows={2}
              {...server.field("reason")}
            />
            <div>
              <TextInput
                type="datetime-local"
                label="Ends"
                description="Empty is without an end. A pilot should have one."
                maw={360}
                {...server.field("expireTime")}
              />
              <Group gap={6} mt={6}>
                {ends.map(({ label, days }) => (
                  <Button
                    key={label}
                    size="compact-xs"
                    variant="default"
                    onClick={() => {
                      server.form.setFieldValue("expireTime", days === 0 ? "" : endOfDayIn(days));
                      server.check("expireTime");
                    }}
                  >
                    {label}
                  </Button>
                ))}
              </Group>
            </div>
          </Stack>
        </Panel>
      </PageForm>
    </>
  );
}
