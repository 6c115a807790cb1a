import { useQuery } from "@connectrpc/connect-query";
import { createFileRoute, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { ResourceServerService, type Impact, type ResourceServer } from "~/api";
import { useCall, useChange } from "~/api/call";
import { ActDialog } from "~/components/act-dialog";
import { TableSkeleton } from "~/components/data-table";
import { FaultPage } from "~/components/error-page";
import { ButtonLink } from "~/components/links";
import { PageHeader } from "~/components/page";
import { useServerForm } from "~/components/server-form";
import {
  ResourceServerForm,
  scopeRow,
  type ResourceServerValues,
} from "~/features/resource-servers/form";
import { useBegun } from "~/lib/begun";
import { paths } from "~/lib/paths";
import { resourceServerProblems } from "~/lib/rules";
import { list } from "~/lib/words";
import { notify } from "~/shell/notify";

export const Route = createFileRoute("/resource-servers/$identifier/edit")({
  component: EditResourceServerPage,
});

function EditResourceServerPage() {
  const { identifier } = Route.useParams();
  const query = useQuery(ResourceServerService.method.getResourceServer, { identifier });
  const { begun: server, generation, begin } = useBegun(query.data?.resourceServer);
  if (query.error !== null && server === undefined)
    return <FaultPage error={query.error} retry={() => void query.refetch()} />;
  return (
    <>
      <PageHeader
        title={server === undefined ? "Edit" : `Edit ${server.displayName}`}
        parents={[
          { label: "Resource servers", link: paths.resourceServers() },
          { label: server?.displayName ?? identifier, link: paths.resourceServer(identifier) },
        ]}
      />
      {server === undefined ? (
        <TableSkeleton />
      ) : (
        <EditForm
          key={generation}
          server={server}
          reload={() => void query.refetch().then(({ data }) => begin(data?.resourceServer))}
        />
      )}
    </>
  );
}

function EditForm({ server, reload }: { server: ResourceServer; reload: () => void }) {
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const [breaking, setBreaking] = useState<{ values: ResourceServerValues; impact: Impact }>();
  const input = (values: ResourceServerValues) => ({
    resourceServer: {
      identifier: server.identifier,
      etag: server.etag,
      displayName: values.displayName,
      description: values.description,
      team: values.team,
      scopes: values.scopes.map((scope) => ({ name: scope.name, description: scope.description })),
    },
    updateMask: { paths: ["display_name", "description", "team", "scopes"] },
  });
  const finish = async (values: ResourceServerValues, force: boolean) => {
    await change(ResourceServerService.method.updateResourceServer, { ...input(values), force });
    notify(`${values.displayName} is saved`);
    await navigate(paths.resourceServer(server.identifier));
  };
  const form = useServerForm<ResourceServerValues>({
    initialValues: {
      identifier: server.identifier,
      displayName: server.displayName,
      description: server.description,
      team: server.team,
      scopes: server.scopes.map((scope) => scopeRow(scope.name, scope.description)),
    },
    rules: resourceServerProblems,
    validate: (values) =>
      call(ResourceServerService.method.updateResourceServer, {
        ...input(values),
        validateOnly: true,
        force: true,
      }),
    save: async (values) => {
      const { impact } = await call(ResourceServerService.method.updateResourceServer, {
        ...input(values),
        validateOnly: true,
        force: true,
      });
      if (impact !== undefined && impact.totalEffects > 0) setBreaking({ values, impact });
      else await finish(values, false);
      return impact === undefined || impact.totalEffects === 0;
    },
  });
  const removed = server.scopes
    .map((scope) => scope.name)
    .filter((name) => breaking?.values.scopes.every((scope) => scope.name !== name));
  return (
    <>
      <ResourceServerForm
        server={form}
        isNew={false}
        submitLabel="Save"
        reload={reload}
        cancel={
          <ButtonLink variant="default" {...paths.resourceServer(server.identifier)}>
            Cancel
          </ButtonLink>
        }
      />
      {breaking !== undefined && (
        <ActDialog
          title={`Remove ${list(removed)} from ${server.displayName}?`}
          actLabel="Save and end these grants"
          check={() => Promise.resolve(breaking.impact)}
          act={() => {
            form.release();
            return finish(breaking.values, true);
          }}
          onClose={() => setBreaking(undefined)}
          reload={reload}
        >
          Clients use the scopes that you are taking away. Tokens that carry them are refused for
          them from then on. A scope that comes back later begins without grants.
        </ActDialog>
      )}
    </>
  );
}
