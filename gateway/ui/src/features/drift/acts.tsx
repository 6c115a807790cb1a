import { Loader, Select, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactNode } from "react";
import { DriftKind, ReconcileService, type AdoptResponse, type Drift } from "~/api";
import { useCall, useChange } from "~/api/call";
import { explain } from "~/api/errors";
import { ActDialog } from "~/components/act-dialog";
import { FaultAlert } from "~/components/fault";
import { Scopes } from "~/components/mono";
import { durationInWords } from "~/lib/time";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";
import { notify } from "~/shell/notify";
import classes from "./acts.module.css";
import { becomesInWords, parseSubject } from "./words";

interface Props {
  readonly drift: Drift;
  readonly name: string;
  readonly onClose: () => void;
}

/** Takes what the pool says into the registry. What only the pool has needs an owner. */
export function AdoptDialog({ drift, name, onClose }: Props) {
  const session = useSession();
  const call = useCall();
  const change = useChange();
  const [team, setTeam] = useState("");
  const { subject } = drift;
  const { kind } = parseSubject(subject);
  const isNew = drift.kind === DriftKind.UNMANAGED;
  const dryRun = useDryRun(
    team,
    () => call(ReconcileService.method.adopt, { subject, team, validateOnly: true }),
    !isNew || team !== "",
  );
  const fault = dryRun.error === null ? undefined : explain(dryRun.error);
  const teamProblem = fault?.fields["team"];
  const teams = session.actingTeams
    .map((one) => ({ value: one.team, label: session.teamName(one.team) }))
    .toSorted((a, b) => a.label.localeCompare(b.label));
  return (
    <ActDialog
      title={isNew ? `Adopt the ${kind} ${name}?` : `Take over what the pool says of ${name}?`}
      actLabel="Adopt it"
      danger={false}
      ready={dryRun.isSuccess}
      act={async () => {
        await change(ReconcileService.method.adopt, { subject, team });
        notify(`${name} is adopted`, isNew ? `Team ${session.teamName(team)} owns it.` : "");
      }}
      onClose={onClose}
    >
      <Stack gap="md">
        <Text>
          {isNew
            ? kind === "client"
              ? "The client is registered for a team, and the scopes it holds become active grants. Nothing changes in the pool, and the client’s secret goes on working."
              : "The resource server is registered for a team, with the scopes that the pool says it offers. Nothing changes in the pool."
            : "The registry gets the pool's values. Nothing changes in the pool."}
        </Text>
        {isNew && (
          <Select
            label="Owning team"
            description={`Its members manage the ${kind} from now on`}
            placeholder="Choose a team"
            withAsterisk
            searchable
            data={teams}
            value={team === "" ? null : team}
            onChange={(value) => setTeam(value ?? "")}
            nothingFoundMessage="No team has this name"
            error={teamProblem}
            data-autofocus
          />
        )}
        <DryRun
          query={dryRun}
          wanted={!isNew || team !== ""}
          quiet={teamProblem !== undefined}
          hint={
            fault?.violations.some(({ type }) => type === "UNKNOWN_SCOPES") === true
              ? "Adopt or register that resource server first."
              : undefined
          }
        >
          {dryRun.data !== undefined && (
            <Plan title={isNew ? "What the registry would have" : "What would change here"}>
              {isNew ? (
                <Adopted answer={dryRun.data} />
              ) : (
                drift.fields.map((field) => (
                  <li key={field.field}>{becomesInWords(field, "pool")}</li>
                ))
              )}
              {!isNew && <NewGrants answer={dryRun.data} />}
            </Plan>
          )}
        </DryRun>
      </Stack>
    </ActDialog>
  );
}

/** Tells the pool again what the registry says. */
export function RevertDialog({ drift, name, onClose }: Props) {
  const call = useCall();
  const change = useChange();
  const { subject } = drift;
  const dryRun = useDryRun(
    "",
    () => call(ReconcileService.method.revert, { subject, validateOnly: true }),
    true,
  );
  const fields = dryRun.data?.fields ?? [];
  const isGone = drift.kind === DriftKind.MISSING;
  return (
    <ActDialog
      title={isGone ? `Make ${name} in the pool again?` : `Revert ${name} in the pool?`}
      actLabel={isGone ? "Make it again" : "Revert it"}
      ready={fields.length > 0}
      act={async () => {
        await change(ReconcileService.method.revert, { subject });
        notify(`The pool was told of ${name} again`);
      }}
      onClose={onClose}
    >
      <Stack gap="md">
        <Text>
          The pool is told again what the registry says.{" "}
          {isGone ? "" : "What somebody set there by hand is overwritten."}
        </Text>
        <DryRun query={dryRun} wanted>
          {dryRun.isSuccess && fields.length === 0 && (
            <Text size="sm" c="dimmed">
              The pool says what the registry says by now: there is nothing to revert. The next walk
              takes it off the list.
            </Text>
          )}
          {fields.length > 0 && (
            <Plan title="What would change in the pool, by a look at it now">
              {fields.map((field) => (
                <li key={field.field}>{becomesInWords(field, "registry")}</li>
              ))}
            </Plan>
          )}
        </DryRun>
      </Stack>
    </ActDialog>
  );
}

/** Asks with `validate_only` what an act would do, anew for each choice. */
function useDryRun<T>(choice: string, ask: () => Promise<T>, enabled: boolean) {
  const key = useId();
  return useQuery({
    queryKey: ["dry-run", key, choice],
    queryFn: ask,
    enabled,
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
  });
}

function DryRun({
  query,
  wanted,
  quiet = false,
  hint,
  children,
}: {
  query: { isFetching: boolean; error: unknown };
  /** False before the choice it depends on. */
  wanted: boolean;
  /** Whether the fault stands at a field already. */
  quiet?: boolean;
  hint?: string | undefined;
  children: ReactNode;
}) {
  if (!wanted) return null;
  return (
    <div aria-live="polite">
      {query.isFetching && (
        <Text size="sm" c="dimmed">
          <Loader size="xs" mr="xs" /> Asking what would change …
        </Text>
      )}
      {query.error !== null && !quiet && (
        <>
          <FaultAlert error={query.error} />
          {hint !== undefined && <Text size="sm">{hint}</Text>}
        </>
      )}
      {children}
    </div>
  );
}

function Plan({ title, children }: { title: string; children: ReactNode }) {
  return (
    // Focusable, so that the keyboard can scroll it.
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex
    <div className={classes.plan} role="group" aria-label={title} tabIndex={0}>
      <Text size="sm" fw={600}>
        {title}
      </Text>
      <ul>{children}</ul>
    </div>
  );
}

/** What the registry would have of something that is new to it. */
function Adopted({ answer }: { answer: AdoptResponse }) {
  const session = useSession();
  const { client, resourceServer: server } = answer;
  const owner = client?.team ?? server?.team ?? "";
  return (
    <>
      <li>
        {client?.displayName ?? server?.displayName}, owned by team {session.teamName(owner)}
      </li>
      {client !== undefined && (
        <li>tokens that live {durationInWords(Number(client.tokenLifetime?.seconds ?? 0n))}</li>
      )}
      {server !== undefined && (
        <li>
          {count(server.scopes.length, "scope")}
          {server.scopes.length > 0 && (
            <Scopes scopes={server.scopes.map(({ name }) => `${server.identifier}/${name}`)} />
          )}
        </li>
      )}
      {client !== undefined && answer.grants.length === 0 && <li>no scopes</li>}
      <NewGrants answer={answer} />
    </>
  );
}

function NewGrants({ answer }: { answer: AdoptResponse }) {
  return answer.grants.map((grant) => (
    <li key={grant.resourceServer}>
      an active grant of <b>{grant.resourceServer}</b>
      <Scopes scopes={grant.scopes} />
    </li>
  ));
}
