import { Button, Checkbox, Group, Loader, Stack, Text, Textarea } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useId, useRef, useState, type FormEvent, type ReactNode } from "react";
import type { Impact } from "~/api";
import { explain, problemSentence } from "~/api/errors";
import { badReason } from "~/lib/rules";
import { Dialog } from "./dialog";
import { Effects, endsAccess } from "./effects";
import { FaultAlert } from "./fault";
import { Words } from "./words";

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
  const [slip, setSlip] = useState<string>();
  const field = useRef<HTMLTextAreaElement>(null);
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
  const noteFault = note === undefined ? undefined : (slip ?? fault?.fields[note.field]);
  const checking = check !== undefined && impact.isPending;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const wrong = note?.required === true ? badReason(words.trim()) : undefined;
    setSlip(wrong === undefined ? undefined : problemSentence("reason", wrong));
    if (wrong === undefined) doing.mutate();
    else field.current?.focus();
  };
  return (
    <Dialog onClose={onClose} size="lg" title={title}>
      <form onSubmit={submit} noValidate>
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
              Nothing else breaks.
            </Text>
          )}
          {note !== undefined && (
            <Textarea
              label={note.label}
              description={note.description}
              withAsterisk={note.required}
              value={words}
              onChange={(event) => {
                setWords(event.currentTarget.value);
                setSlip(undefined);
              }}
              error={noteFault !== undefined && <Words text={noteFault} />}
              ref={field}
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
