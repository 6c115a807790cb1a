import { Checkbox } from "@mantine/core";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { ResourceServerService } from "~/api";
import { useCall, useChange } from "~/api/call";
import { LeaveGuard } from "~/components/leave-guard";
import { ButtonLink } from "~/components/links";
import { PageHeader, Panel } from "~/components/page";
import { SecretOnce, type ShownSecret } from "~/components/secret-once";
import { useServerForm } from "~/components/server-form";
import {
  ResourceServerForm,
  scopeRow,
  type ResourceServerValues,
} from "~/features/resource-servers/form";
import { newRequestId } from "~/lib/clipboard";
import { paths } from "~/lib/paths";
import { resourceServerProblems } from "~/lib/rules";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/resource-servers/new")({ component: NewResourceServerPage });

function NewResourceServerPage() {
  const session = useSession();
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const [addSecret, setAddSecret] = useState(false);
  const [secret, setSecret] = useState<ShownSecret>();
  const requestId = useRef(newRequestId());
  const input = ({ identifier, displayName, description, team, scopes }: ResourceServerValues) => ({
    resourceServer: {
      identifier,
      displayName,
      description,
      team,
      scopes: scopes.map((scope) => ({ name: scope.name, description: scope.description })),
    },
    addSecret,
  });
  const server = useServerForm<ResourceServerValues>({
    initialValues: {
      identifier: "",
      displayName: "",
      description: "",
      team: session.memberTeams[0]?.team ?? session.actingTeams[0]?.team ?? "",
      scopes: [scopeRow()],
    },
    existsField: "identifier",
    rules: resourceServerProblems,
    validate: (values) =>
      call(ResourceServerService.method.createResourceServer, {
        ...input(values),
        validateOnly: true,
      }),
    save: async (values) => {
      const answer = await change(ResourceServerService.method.createResourceServer, {
        ...input(values),
        requestId: requestId.current,
      });
      notify(`${values.displayName} is registered`);
      if (answer.secret === undefined) await navigate(paths.resourceServer(values.identifier));
      else {
        setSecret({
          owner: values.displayName,
          userName: { label: "Identifier", value: values.identifier },
          value: answer.secret.value,
        });
      }
      return true;
    },
  });
  const stored = useRef(false);
  return (
    <>
      <PageHeader
        title="Register a resource server"
        subtitle="An API, with the scopes that can be granted on it."
        parents={[{ label: "Resource servers", link: paths.resourceServers() }]}
      />
      <ResourceServerForm
        server={server}
        isNew
        submitLabel="Register"
        cancel={
          <ButtonLink variant="default" {...paths.resourceServers()}>
            Cancel
          </ButtonLink>
        }
      >
        <Panel title="Introspection">
          <Checkbox
            checked={addSecret}
            onChange={(event) => setAddSecret(event.currentTarget.checked)}
            label="Make a secret for introspection now"
            description="Make one so that the API learns of revocations within a second, by the SDK's feature introspection or by asking itself. Without one the API can only verify tokens by their keys, and trusts each until it ends. A secret can be added later."
          />
        </Panel>
      </ResourceServerForm>
      {secret !== undefined && (
        <>
          <LeaveGuard
            when={() => !stored.current}
            title="Leave without the secret?"
            text="The secret cannot be shown again after this page."
          />
          <SecretOnce
            secret={secret}
            onDone={() => {
              stored.current = true;
              void navigate(paths.resourceServer(secret.userName.value));
            }}
          />
        </>
      )}
    </>
  );
}
