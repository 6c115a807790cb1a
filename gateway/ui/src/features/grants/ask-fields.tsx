import { useQuery } from "@connectrpc/connect-query";
import { Alert, Input, Select, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { ClientService, ResourceServerService } from "~/api";
import { TableSkeleton } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ScopeChecks } from "~/features/resource-servers/scope-picker";
import { list, splitScope } from "~/lib/words";
import { useSession } from "~/session/session";
import faults from "~/components/fault.module.css";

interface ChoiceProps {
  value: string;
  error: ReactNode;
  onChange: (value: string) => void;
}

/** The clients the user may ask for, found by the server. */
export function useMyClients(text: string) {
  const session = useSession();
  const found = useQuery(
    ClientService.method.listClients,
    {
      text,
      pageSize: 20,
      // An auditor is shown the clients of all teams, and may ask for their own only.
      team: session.isAuditor ? (session.memberTeams[0]?.team ?? "") : "",
    },
    { placeholderData: keepPreviousData },
  );
  const mine = (found.data?.clients ?? []).filter((client) => session.mayManage(client.team));
  return { found, mine };
}

export function ClientSelect({ value, error, onChange }: ChoiceProps) {
  const session = useSession();
  const [typed, setTyped] = useState("");
  const [words] = useDebouncedValue(typed.trim().slice(0, 100), 200);
  const chosen = useQuery(
    ClientService.method.getClient,
    { clientId: value },
    { enabled: value !== "", retry: false },
  );
  const name = chosen.data?.client?.displayName;
  const { mine } = useMyClients(words === name ? "" : words);
  const options: { value: string; label: string }[] = mine.map((client) => ({
    value: client.clientId,
    label: client.displayName,
  }));
  if (value !== "" && !options.some((option) => option.value === value)) {
    options.unshift({ value, label: name ?? value });
  }
  return (
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
  );
}

export function ResourceServerSelect({ value, error, onChange }: ChoiceProps) {
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
  error: ReactNode;
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

export function ScopesOf({
  identifier,
  clientId,
  value,
  error,
  onChange,
}: {
  identifier: string;
  clientId: string;
  value: readonly string[];
  error: ReactNode;
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
  const held = client.data?.client?.scopes ?? [];
  const again = value.filter((scope) => held.includes(scope));
  if (query.error !== null) return <FaultAlert error={query.error} />;
  if (server === undefined) return <TableSkeleton rows={2} />;
  return (
    <Input.Wrapper
      label="Scopes"
      labelElement="div"
      withAsterisk
      description={`As few as the client needs. Team ${session.teamName(server.team)} decides.`}
      error={error}
    >
      <div role="group" aria-label="Scopes">
        <ScopeChecks
          server={server}
          value={value}
          held={held}
          toggle={(scope, on) =>
            onChange(on ? [...value, scope] : value.filter((one) => one !== scope))
          }
        />
      </div>
      {again.length > 0 && (
        <Again name={client.data?.client?.displayName ?? clientId} scopes={again} />
      )}
    </Input.Wrapper>
  );
}

/** Before it is sent: the other team would decide about what the client has as it is. */
function Again({ name, scopes }: { name: string; scopes: readonly string[] }) {
  return (
    <Alert
      // It stands there while the form is filled in: no interruption.
      role="status"
      mt="sm"
      color="yellow"
      icon={<IconAlertTriangle size={18} />}
      title={`${name} already has ${list(scopes.map((scope) => splitScope(scope).name))}`}
      classNames={{
        root: faults.warning ?? "",
        title: faults.message ?? "",
        message: faults.message ?? "",
      }}
    >
      Asking again adds nothing to {scopes.length === 1 ? "that scope" : "those scopes"}. Leave{" "}
      {scopes.length === 1 ? "it" : "them"} out, unless you want a second grant with another end.
    </Alert>
  );
}
