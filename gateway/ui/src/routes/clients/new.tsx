import { Text, Textarea } from "@mantine/core";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { ClientService, GrantState, type Grant } from "~/api";
import { useCall, useChange } from "~/api/call";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { ButtonLink, TextLink } from "~/components/links";
import { PageHeader, Panel } from "~/components/page";
import { SecretOnce, type ShownSecret } from "~/components/secret-once";
import { useServerForm } from "~/components/server-form";
import { ClientFields, clientInput, type ClientValues } from "~/features/clients/form";
import { ScopePicker } from "~/features/resource-servers/scope-picker";
import { newRequestId } from "~/lib/clipboard";
import { paths } from "~/lib/paths";
import { badReason, clientProblems } from "~/lib/rules";
import { compact, text } from "~/lib/search-params";
import { count, list } from "~/lib/words";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/clients/new")({
  validateSearch: (search) => compact({ scope: text(search, "scope") }),
  component: NewClientPage,
});

type Values = ClientValues & { scopes: string[]; reason: string };

function NewClientPage() {
  const session = useSession();
  const { scope } = Route.useSearch();
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const [made, setMade] = useState<{ clientId: string; secret: ShownSecret }>();
  const stored = useRef(false);
  const requestId = useRef(newRequestId());
  const input = (values: Values) => ({
    client: clientInput(values),
    scopes: values.scopes,
    reason: values.reason,
  });
  const server = useServerForm<Values>({
    initialValues: {
      displayName: "",
      description: "",
      team: session.memberTeams[0]?.team ?? session.actingTeams[0]?.team ?? "",
      tokenLifetime: { amount: 1, unit: "hours" },
      scopes: scope === undefined ? [] : [scope],
      reason: "",
    },
    rules: (values) => ({
      ...clientProblems(clientInput(values)),
      reason: values.scopes.length > 0 ? badReason(values.reason) : undefined,
    }),
    validate: (values) =>
      call(ClientService.method.createClient, { ...input(values), validateOnly: true }),
    save: async (values) => {
      const answer = await change(ClientService.method.createClient, {
        ...input(values),
        requestId: requestId.current,
      });
      const clientId = answer.client?.clientId ?? "";
      notify(`${values.displayName} is registered`, inWords(answer.grants, session.teamName));
      setMade({
        clientId,
        secret: {
          owner: values.displayName,
          userName: { label: "Client id", value: clientId },
          value: answer.secret?.value ?? "",
        },
      });
      return true;
    },
  });
  const { scopes } = server.form.getValues();
  return (
    <>
      <PageHeader
        title="Register a client"
        subtitle="One client for each system: then one can be stopped without the others."
        parents={[{ label: "Clients", link: paths.clients() }]}
      />
      <LeaveGuard when={server.isDirty} />
      <PageForm
        onSubmit={server.submit}
        error={server.error}
        busy={server.busy}
        submitLabel={scopes.length === 0 ? "Register" : "Register and ask for access"}
        cancel={
          <ButtonLink variant="default" {...paths.clients()}>
            Cancel
          </ButtonLink>
        }
      >
        <ClientFields server={server} />
        <Panel title="What it may do">
          <ScopePicker
            label="Scopes"
            description="Tick as few as the client needs. Where your team owns the resource server they are given at once; elsewhere the owning team decides."
            value={scopes}
            error={server.problem("scopes")}
            onChange={(chosen) => {
              server.form.setFieldValue("scopes", chosen);
              server.check("scopes");
            }}
          />
          {scopes.length > 0 && (
            <Text size="sm" mt="md">
              Access that you ask for here has no end. For a pilot, register the client without
              scopes, then{" "}
              <TextLink {...paths.newGrant()} inherit underline="always">
                ask for access
              </TextLink>
              , where you can set one.
            </Text>
          )}
          {scopes.length > 0 && (
            <Textarea
              mt="md"
              label="Reason"
              description="The people who decide read it: what will the system do with this access?"
              withAsterisk
              autosize
              minRows={2}
              {...server.field("reason")}
            />
          )}
        </Panel>
      </PageForm>
      {made !== undefined && (
        <>
          <LeaveGuard
            when={() => !stored.current}
            title="Leave without the secret?"
            text="The secret cannot be shown again after this page."
          />
          <SecretOnce
            secret={made.secret}
            onDone={() => {
              stored.current = true;
              void navigate(paths.client(made.clientId));
            }}
          />
        </>
      )}
    </>
  );
}

function inWords(grants: readonly Grant[], teamName: (team: string) => string): string | undefined {
  const active = grants.filter((grant) => grant.state === GrantState.ACTIVE).length;
  const waiting = grants.filter((grant) => grant.state === GrantState.PENDING);
  const teams = [...new Set(waiting.map((grant) => teamName(grant.resourceServerTeam)))];
  const words = [
    ...(active > 0 ? [`${count(active, "grant")} active at once`] : []),
    ...(waiting.length > 0
      ? [`${count(waiting.length, "request")} waiting for team ${list(teams)}`]
      : []),
  ];
  return words.length === 0 ? undefined : `${words.join(", ")}.`;
}
