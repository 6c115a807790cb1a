import { useQuery } from "@connectrpc/connect-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { ClientService, type Client } from "~/api";
import { useCall, useChange } from "~/api/call";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { PageForm } from "~/components/form-layout";
import { LeaveGuard } from "~/components/leave-guard";
import { ButtonLink } from "~/components/links";
import { PageHeader } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import {
  ClientFields,
  clientInput,
  lifetimeValue,
  type ClientValues,
} from "~/features/clients/form";
import { useBegun } from "~/lib/begun";
import { paths } from "~/lib/paths";
import { clientProblems } from "~/lib/rules";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/clients/$clientId/edit")({ component: EditClientPage });

function EditClientPage() {
  const { clientId } = Route.useParams();
  const query = useQuery(ClientService.method.getClient, { clientId });
  const { begun: client, generation, begin } = useBegun(query.data?.client);
  if (query.error !== null && client === undefined)
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  return (
    <>
      <PageHeader
        title={client === undefined ? "Edit" : `Edit ${client.displayName}`}
        parents={[
          { label: "Clients", link: paths.clients() },
          { label: client?.displayName ?? clientId, link: paths.client(clientId) },
        ]}
      />
      {client === undefined ? (
        <TableSkeleton />
      ) : (
        <EditForm
          key={generation}
          client={client}
          reload={() => void query.refetch().then(({ data }) => begin(data?.client))}
        />
      )}
    </>
  );
}

function EditForm({ client, reload }: { client: Client; reload: () => void }) {
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const input = (values: ClientValues) => ({
    client: { ...clientInput(values), clientId: client.clientId, etag: client.etag },
    updateMask: { paths: ["display_name", "description", "team", "token_lifetime"] },
  });
  const server = useServerForm<ClientValues>({
    initialValues: {
      displayName: client.displayName,
      description: client.description,
      team: client.team,
      tokenLifetime: lifetimeValue(Number(client.tokenLifetime?.seconds ?? 3600n)),
    },
    rules: (values) => clientProblems(clientInput(values)),
    validate: (values) =>
      call(ClientService.method.updateClient, { ...input(values), validateOnly: true }),
    save: async (values) => {
      await change(ClientService.method.updateClient, input(values));
      notify(`${values.displayName} is saved`);
      await navigate(paths.client(client.clientId));
      return true;
    },
  });
  return (
    <>
      <LeaveGuard when={server.isDirty} />
      <PageForm
        onSubmit={server.submit}
        error={server.error}
        reload={reload}
        busy={server.busy}
        submitLabel="Save"
        cancel={
          <ButtonLink variant="default" {...paths.client(client.clientId)}>
            Cancel
          </ButtonLink>
        }
      >
        <ClientFields server={server} />
      </PageForm>
    </>
  );
}
