import { useInfiniteQuery } from "@connectrpc/connect-query";
import { Button, Checkbox, Input, Pill, Text, TextInput } from "@mantine/core";
import { useDebouncedValue, useId } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useState } from "react";
import { ResourceServerService, type ResourceServer } from "~/api";
import { TableSkeleton } from "~/components/data-table";
import { FaultAlert } from "~/components/fault";
import { ScopeName } from "~/components/mono";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";
import classes from "./scope-picker.module.css";

/** Scopes are ticked in the catalogue, never typed: a typing mistake would be a grant nobody can use. */
export function ScopePicker({
  value,
  onChange,
  error,
  label,
  description,
}: {
  value: readonly string[];
  onChange: (scopes: string[]) => void;
  error?: React.ReactNode;
  label: string;
  description: string;
}) {
  const id = useId();
  const [typed, setTyped] = useState("");
  const [text] = useDebouncedValue(typed.trim().slice(0, 100), 200);
  const query = useInfiniteQuery(
    ResourceServerService.method.listResourceServers,
    { text, pageSize: 8, pageToken: "" },
    {
      pageParamKey: "pageToken",
      getNextPageParam: (page) => (page.nextPageToken === "" ? undefined : page.nextPageToken),
      placeholderData: keepPreviousData,
    },
  );
  const servers = query.data?.pages.flatMap((page) => page.resourceServers) ?? [];
  const toggle = (scope: string, on: boolean) =>
    onChange(on ? [...value, scope] : value.filter((one) => one !== scope));
  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div" id={id}>
      <div
        className={classes.picker}
        role="group"
        aria-label={label}
        data-invalid={error !== undefined && error !== null ? true : undefined}
      >
        <div className={classes.chosen} aria-live="polite">
          {value.length === 0 ? (
            <Text size="sm" c="dimmed">
              No scope chosen yet
            </Text>
          ) : (
            value.map((scope) => (
              <Pill
                key={scope}
                withRemoveButton
                onRemove={() => toggle(scope, false)}
                removeButtonProps={{
                  "aria-label": `Remove ${scope}`,
                  "aria-hidden": false,
                  tabIndex: 0,
                }}
                className={classes.pill ?? ""}
              >
                <ScopeName scope={scope} />
              </Pill>
            ))
          )}
        </div>
        <TextInput
          type="search"
          aria-label="Search the catalogue"
          placeholder="Search resource servers and scopes"
          leftSection={<IconSearch size={16} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          // Enter searches; it must not send the form around it.
          onKeyDown={(event) => {
            if (event.key === "Enter") event.preventDefault();
          }}
          className={classes.search ?? ""}
        />
        {query.error !== null && (
          <FaultAlert error={query.error} retry={() => void query.refetch()} />
        )}
        {query.isPending && <TableSkeleton rows={3} />}
        <div className={classes.servers}>
          {servers.map((server) => (
            <Server
              key={server.identifier}
              server={server}
              value={value}
              toggle={toggle}
              open={text !== "" && servers.length <= 3}
            />
          ))}
          {query.isSuccess && servers.length === 0 && (
            <Text size="sm" c="dimmed" p="sm">
              Nothing in the catalogue matches. Search for the API’s name, its identifier or a
              scope.
            </Text>
          )}
        </div>
        {query.hasNextPage && (
          <Button
            variant="subtle"
            size="compact-sm"
            loading={query.isFetchingNextPage}
            onClick={() => void query.fetchNextPage()}
          >
            Show more resource servers
          </Button>
        )}
      </div>
    </Input.Wrapper>
  );
}

function Server({
  server,
  value,
  toggle,
  open,
}: {
  server: ResourceServer;
  value: readonly string[];
  toggle: (scope: string, on: boolean) => void;
  open: boolean;
}) {
  const session = useSession();
  const chosen = server.scopes.filter((scope) =>
    value.includes(`${server.identifier}/${scope.name}`),
  );
  // What the user did to it holds until the search opens or closes it. It is never mounted anew: a box
  // that is being ticked must not be replaced under the pointer.
  const [by, setBy] = useState<{ search: boolean; user: boolean | undefined }>({
    search: open,
    user: undefined,
  });
  if (by.search !== open) setBy({ search: open, user: undefined });
  const isOpen = by.user ?? (open || chosen.length > 0);
  return (
    <details className={classes.server} open={isOpen}>
      <summary
        onClick={(event) => {
          // The state decides; Enter and Space arrive here as a click, too.
          event.preventDefault();
          setBy({ search: open, user: !isOpen });
        }}
      >
        <span className={classes.name}>{server.displayName}</span>
        <span className={classes.about}>
          {server.identifier} · {session.teamName(server.team)}
        </span>
        <span className={classes.tally}>
          {chosen.length > 0
            ? `${chosen.length} of ${server.scopes.length}`
            : count(server.scopes.length, "scope")}
        </span>
      </summary>
      <ScopeChecks server={server} value={value} toggle={toggle} />
    </details>
  );
}

/** The scopes of one resource server, to tick. */
export function ScopeChecks({
  server,
  value,
  held = [],
  toggle,
}: {
  server: ResourceServer;
  value: readonly string[];
  /** What the client has been given already. */
  held?: readonly string[];
  toggle: (scope: string, on: boolean) => void;
}) {
  if (server.scopes.length === 0) {
    return (
      <Text size="sm" c="dimmed" className={classes.checks ?? ""}>
        This resource server offers no scopes yet.
      </Text>
    );
  }
  return (
    <div className={classes.checks}>
      {server.scopes.map((scope) => {
        const joined = `${server.identifier}/${scope.name}`;
        return (
          <Checkbox
            key={scope.name}
            checked={value.includes(joined)}
            onChange={(event) => toggle(joined, event.currentTarget.checked)}
            label={<code>{scope.name}</code>}
            description={
              held.includes(joined)
                ? `${scope.description} (the client holds this already)`
                : scope.description
            }
          />
        );
      })}
    </div>
  );
}
