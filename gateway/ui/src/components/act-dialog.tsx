import { Button, Checkbox, Group, Loader, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useId, useState, type ReactNode } from "react";
import { EffectKind, type Effect, type Impact } from "~/api";
import { explain, sentence } from "~/api/errors";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";
import { Dialog } from "./dialog";
import { FaultAlert } from "./fault";
import { TextLink } from "./links";
import { Scopes } from "./mono";
import classes from "./act-dialog.module.css";

export interface ActInput {
  readonly note: string;
  /** Whether something else ends with it; for the `force` of the contract. */
  readonly force: boolean;
}

/**
 * The one dialog before an act that cannot be taken back. It names the object and, after asking the
 * server with `validate_only`, what breaks with it.
 */
export function ActDialog({
  title,
  children,
  check,
  act,
  actLabel,
  danger = true,
  asksTwice = true,
  ready = true,
  note,
  onClose,
  reload,
}: {
  /** A question that names the object: "Delete the client Nature Basket?". */
  title: string;
  /** What happens, in a sentence or two. */
  children: ReactNode;
  /** Asks what the act would do to others; undefined where it does nothing to them. */
  check?: () => Promise<Impact | undefined>;
  act: (input: ActInput) => Promise<void>;
  actLabel: string;
  danger?: boolean;
  /** Whether grants that end with it must be confirmed apart; false where ending them is the act itself. */
  asksTwice?: boolean;
  /** False while what the children ask for is not there yet, such as a choice or a dry run. */
  ready?: boolean;
  /** Asks for words that the other side or the log will show. */
  note?: { label: string; description: string; required: boolean; field: string };
  onClose: () => void;
  /** Loads the object again if it has changed meanwhile. */
  reload?: () => void;
}) {
  const key = useId();
  const [words, setWords] = useState("");
  const [confirmed, setConfirmed] = useState(false);
  const impact = useQuery({
    queryKey: ["impact", key],
    queryFn: async () => (await check?.()) ?? null,
    enabled: check !== undefined,
    gcTime: 0,
    staleTime: Infinity,
    retry: false,
  });
  const effects = impact.data?.effects ?? [];
  const total = impact.data?.totalEffects ?? effects.length;
  const breaksOthers = asksTwice && effects.some(endsAccess);
  const doing = useMutation({
    mutationFn: () => act({ note: words.trim(), force: breaksOthers }),
    onSuccess: onClose,
  });
  const fault = doing.error === null ? undefined : explain(doing.error);
  const noteFault = note === undefined ? undefined : fault?.fields[note.field];
  const checking = check !== undefined && impact.isPending;
  return (
    <Dialog onClose={onClose} size="lg" title={title}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          doing.mutate();
        }}
      >
        <Stack gap="md">
          <Text component="div">{children}</Text>
          {checking && (
            <Group gap="xs">
              <Loader size="xs" />
              <Text size="sm" c="dimmed">
                Asking what would break …
              </Text>
            </Group>
          )}
          {impact.error !== null && <FaultAlert error={impact.error} reload={reload} />}
          {effects.length > 0 && <Effects effects={effects} total={total} />}
          {check !== undefined && impact.isSuccess && effects.length === 0 && (
            <Text size="sm" c="dimmed">
              Nothing else depends on it.
            </Text>
          )}
          {note !== undefined && (
            <Textarea
              label={note.label}
              description={note.description}
              withAsterisk={note.required}
              value={words}
              onChange={(event) => setWords(event.currentTarget.value)}
              error={noteFault}
              maxLength={1000}
              autosize
              minRows={2}
              data-autofocus
            />
          )}
          {breaksOthers && (
            <Checkbox
              checked={confirmed}
              onChange={(event) => setConfirmed(event.currentTarget.checked)}
              label="Yes, all of this ends"
            />
          )}
          {doing.error !== null && noteFault === undefined && (
            <FaultAlert error={doing.error} reload={reload} />
          )}
          <Group justify="flex-end">
            <Button
              variant="default"
              onClick={onClose}
              data-autofocus={note === undefined || undefined}
            >
              Cancel
            </Button>
            <Button
              type="submit"
              {...(danger ? { color: "red" } : {})}
              loading={doing.isPending}
              disabled={!ready || checking || impact.error !== null || (breaksOthers && !confirmed)}
            >
              {actLabel}
            </Button>
          </Group>
        </Stack>
      </form>
    </Dialog>
  );
}

function endsAccess(effect: Effect): boolean {
  switch (effect.kind) {
    case EffectKind.GRANT_ENDS:
    case EffectKind.GRANT_REQUEST_ENDS:
    case EffectKind.GRANT_SHRINKS:
      return true;
    case EffectKind.UNSPECIFIED:
    case EffectKind.TOKENS_REFUSED:
    case EffectKind.SECRET_ENDS:
    case EffectKind.CLIENT_STOPS:
      return false;
  }
}

const effectWords: Record<EffectKind, string> = {
  [EffectKind.UNSPECIFIED]: "Changes",
  [EffectKind.GRANT_ENDS]: "Grant ends",
  [EffectKind.GRANT_REQUEST_ENDS]: "Request ends",
  [EffectKind.GRANT_SHRINKS]: "Grant shrinks",
  [EffectKind.TOKENS_REFUSED]: "Tokens refused",
  [EffectKind.SECRET_ENDS]: "Secret ends",
  [EffectKind.CLIENT_STOPS]: "Client stops",
};

/** What ends or stops working, each with a link to it. */
export function Effects({ effects, total }: { effects: readonly Effect[]; total: number }) {
  const session = useSession();
  return (
    <div className={classes.effects}>
      <Text size="sm" fw={600}>
        What breaks
      </Text>
      <ul>
        {effects.map((effect, index) => (
          <li key={`${effect.kind} ${effect.grantId} ${index}`}>
            <span className={classes.kind}>{effectWords[effect.kind]}</span>
            <span>
              {effect.grantId !== "" ? (
                <>
                  <TextLink
                    {...paths.grant(effect.grantId)}
                    target="_blank"
                    inherit
                    underline="always"
                  >
                    {effect.clientDisplayName === "" ? effect.clientId : effect.clientDisplayName}
                  </TextLink>
                  {effect.clientTeam !== "" && <> of team {session.teamName(effect.clientTeam)}</>}
                  {effect.scopes.length > 0 && (
                    <>
                      {" loses "}
                      <Scopes scopes={effect.scopes} />
                    </>
                  )}
                </>
              ) : (
                sentence(effect.description)
              )}
            </span>
          </li>
        ))}
      </ul>
      {total > effects.length && (
        <Text size="sm" c="dimmed">
          and {total - effects.length} more
        </Text>
      )}
    </div>
  );
}
