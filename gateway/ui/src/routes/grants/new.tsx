import { useQuery } from "@connectrpc/connect-query";
import { Button, Group, Input, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData } from "@tanstack/react-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { ClientService, GrantService, GrantState, ResourceServerService } from "~/api";
import { useCall, useChange } from "~/api/call";
import { TableSkeleton } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { ButtonLink, TextLink } from "~/components/links";
import { PageHeader, Panel } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import { ScopeChecks } from "~/features/resource-servers/scope-picker";
import { newRequestId } from "~/lib/clipboard";
import { paths } from "~/lib/paths";
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
          : `It waits for team ${session.teamName(grant.resourceServerTeam)}.`,
      );
      await navigate(paths.grant(grant.grantId));
      return true;
    },
  });
  const values = server.form.getValues();
  return (
    <>
      <PageHeader
        title="Ask for access"
        subtitle="Scopes of one resource server, for one client. The team that owns the resource server decides."
        parents={[{ label: "Grants", link: paths.grants() }]}
      />
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

interface ChoiceProps {
  value: string;
  error: React.ReactNode;
  onChange: (value: string) => void;
}

/** The clients the user may ask for, found by the server as they type. */
function ClientSelect({ value, error, onChange }: ChoiceProps) {
  const session = useSession();
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim().slice(0, 100), 200);
  const chosen = useQuery(
    ClientService.method.getClient,
    { clientId: value },
    { enabled: value !== "", retry: false },
  );
  const name = chosen.data?.client?.displayName;
  const found = useQuery(
    ClientService.method.listClients,
    {
      text: words === name ? "" : words,
      pageSize: 20,
      // An auditor is shown the clients of all teams, and may ask for their own only.
      team: session.isAuditor ? (session.memberTeams[0]?.team ?? "") : "",
    },
    { placeholderData: keepPreviousData },
  );
  const mine = (found.data?.clients ?? []).filter((client) => session.mayManage(client.team));
  const options: { value: string; label: string }[] = mine.map((client) => ({
    value: client.clientId,
    label: client.displayName,
  }));
  if (value !== "" && !options.some((option) => option.value === value)) {
    options.unshift({ value, label: name ?? value });
  }
  const none = found.isSuccess && mine.length === 0 && words === "";
  return (
    <>
      <ServerSelect
        label="Client"
        description={
          session.isAdmin ? "Of any team: you are a platform admin" : "One that your team owns"
        }
        placeholder="Choose a client"
        value={value}
        error={error}
        onChange={onChange}
        data={options}
        onSearch={setTyped}
      />
      {none && (
        <Text size="sm" mt="xs">
          Your team has no client yet.{" "}
          <TextLink {...paths.newClient()} underline="always">
            Register one
          </TextLink>
          ; it can ask for access in the same step.
        </Text>
      )}
    </>
  );
}

function ResourceServerSelect({ value, error, onChange }: ChoiceProps) {
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim().slice(0, 100), 200);
  const chosen = useQuery(
    ResourceServerService.method.getResourceServer,
    { identifier: value },
    { enabled: value !== "", retry: false },
  );
  const name = chosen.data?.resourceServer?.displayName;
  const found = useQuery(
    ResourceServerService.method.listResourceServers,
    { text: words === name ? "" : words, pageSize: 20 },
    { placeholderData: keepPreviousData },
  );
  const options = (found.data?.resourceServers ?? []).map((server) => ({
    value: server.identifier,
    label: server.displayName,
  }));
  if (value !== "" && !options.some((option) => option.value === value)) {
    options.unshift({ value, label: name ?? value });
  }
  return (
    <ServerSelect
      label="Resource server"
      description="Type to search the whole catalogue"
      placeholder="Choose a resource server"
      value={value}
      error={error}
      onChange={onChange}
      data={options}
      onSearch={setTyped}
    />
  );
}

function ServerSelect({
  onSearch,
  onChange,
  value,
  ...props
}: {
  label: string;
  description: string;
  placeholder: string;
  value: string;
  error: React.ReactNode;
  onChange: (value: string) => void;
  data: { value: string; label: string }[];
  onSearch: (text: string) => void;
}) {
  return (
    <Select
      {...props}
      value={value === "" ? null : value}
      onChange={(next) => onChange(next ?? "")}
      onSearchChange={onSearch}
      searchable
      // The focus comes here by itself when the choice is missing; the list would hide the message.
      openOnFocus={false}
      withAsterisk
      // What the server found is shown as it is.
      filter={({ options }) => options}
      nothingFoundMessage="Nothing found"
      renderOption={({ option }) => (
        <div>
          <Text size="sm">{option.label}</Text>
          <Text size="xs" c="dimmed" ff="monospace">
            {option.value}
          </Text>
        </div>
      )}
      comboboxProps={{ shadow: "md", withinPortal: false }}
    />
  );
}

function ScopesOf({
  identifier,
  clientId,
  value,
  error,
  onChange,
}: {
  identifier: string;
  clientId: string;
  value: readonly string[];
  error: React.ReactNode;
  onChange: (scopes: string[]) => void;
}) {
  const session = useSession();
  const query = useQuery(ResourceServerService.method.getResourceServer, { identifier });
  const client = useQuery(
    ClientService.method.getClient,
    { clientId },
    { enabled: clientId !== "", retry: false },
  );
  const server = query.data?.resourceServer;
  if (query.error !== null) return <FaultAlert error={query.error} />;
  if (server === undefined) return <TableSkeleton rows={2} />;
  return (
    <Input.Wrapper
      label="Scopes"
      labelElement="div"
      withAsterisk
      description={`As few as it needs. Team ${session.teamName(server.team)} decides.`}
      error={error}
    >
      <div role="group" aria-label="Scopes">
        <ScopeChecks
          server={server}
          value={value}
          held={client.data?.client?.scopes ?? []}
          toggle={(scope, on) =>
            onChange(on ? [...value, scope] : value.filter((one) => one !== scope))
          }
        />
      </div>
    </Input.Wrapper>
  );
}
