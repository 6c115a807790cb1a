import { Group, Stack, Switch, Text } from "@mantine/core";
import { IconPlus } from "@tabler/icons-react";
import { useRef, useState } from "react";
import type { Impact, NewSecret, Secret } from "~/api";
import { newRequestId } from "~/lib/clipboard";
import { toDate } from "~/lib/time";
import { notify, notifyFault } from "~/shell/notify";
import { ActButton } from "./act-button";
import { ActDialog } from "./act-dialog";
import { StatusBadge } from "./badge";
import { LeaveGuard } from "./leave-guard";
import { Panel } from "./page";
import { SecretOnce, type ShownSecret } from "./secret-once";
import { When } from "./when";
import classes from "./secrets-panel.module.css";

/**
 * The secrets of a client or of a resource server, and the way to replace one without an outage:
 * add, hand over, see the new one used, remove the old one.
 */
export function SecretsPanel({
  owner,
  userName,
  secrets,
  disabledReason,
  usedFor,
  canRevokeTokens,
  add,
  remove,
  reload,
}: {
  owner: string;
  userName: ShownSecret["userName"];
  secrets: readonly Secret[];
  /** Why the user may change nothing here; undefined if they may. */
  disabledReason: string | undefined;
  /** What is done with a secret, as in "get tokens". */
  usedFor: string;
  canRevokeTokens: boolean;
  add: (requestId: string) => Promise<NewSecret | undefined>;
  remove: (input: {
    secretId: string;
    revokeTokens: boolean;
    validateOnly: boolean;
  }) => Promise<Impact | undefined>;
  reload: () => void;
}) {
  const [shown, setShown] = useState<ShownSecret>();
  const [removing, setRemoving] = useState<Secret>();
  const [busy, setBusy] = useState(false);
  // One id for one wish: a repeat after a lost answer makes no second secret.
  const requestId = useRef(newRequestId());
  const sorted = secrets.toSorted((a, b) => millis(b.createTime) - millis(a.createTime));
  const full = secrets.length >= 2;
  const reason = disabledReason ?? (full ? "Two secrets are live: remove one first" : undefined);

  const makeOne = async () => {
    setBusy(true);
    try {
      const made = await add(requestId.current);
      requestId.current = newRequestId();
      setShown({ owner, userName, value: made?.value ?? "" });
    } catch (error) {
      notifyFault(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Panel
      title="Secrets"
      hint={`At most two live at a time, so that one can replace the other. ${owner} needs one to ${usedFor}.`}
      actions={
        <ActButton
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          loading={busy}
          disabledReason={reason}
          onClick={() => void makeOne()}
        >
          Add a secret
        </ActButton>
      }
    >
      <Stack gap="md">
        {secrets.length === 0 && (
          <Text size="sm" c="dimmed">
            No secret yet: add one to {usedFor}.
          </Text>
        )}
        {sorted.length > 0 && (
          <ul className={classes.secrets}>
            {sorted.map((secret, index) => (
              <li key={secret.secretId} className={classes.secret}>
                <div>
                  <Group gap="xs">
                    <code className={classes.id}>{secret.secretId}</code>
                    {full && (
                      <StatusBadge tone={index === 0 ? "info" : "quiet"}>
                        {index === 0 ? "Newer" : "Older"}
                      </StatusBadge>
                    )}
                  </Group>
                  <Text size="sm" c="dimmed">
                    Made <When time={secret.createTime} /> ·{" "}
                    {secret.lastUseTime === undefined ? (
                      "never used"
                    ) : (
                      <>
                        last used <When time={secret.lastUseTime} />
                      </>
                    )}
                  </Text>
                </div>
                <ActButton
                  size="xs"
                  variant={index === 1 && mayGo(sorted) ? "filled" : "default"}
                  disabledReason={disabledReason}
                  aria-label={`Remove secret ${secret.secretId}`}
                  onClick={() => setRemoving(secret)}
                >
                  Remove
                </ActButton>
              </li>
            ))}
          </ul>
        )}
        {disabledReason === undefined && secrets.length > 0 && (
          <Rotation secrets={sorted} usedFor={usedFor} />
        )}
      </Stack>
      {shown !== undefined && (
        <>
          <LeaveGuard
            when={() => true}
            title="Leave without the secret?"
            text="The secret cannot be shown again after this page."
          />
          <SecretOnce secret={shown} onDone={() => setShown(undefined)} />
        </>
      )}
      {removing !== undefined && (
        <RemoveDialog
          owner={owner}
          secret={removing}
          usedFor={usedFor}
          isLast={secrets.length === 1}
          canRevokeTokens={canRevokeTokens}
          remove={remove}
          reload={reload}
          onClose={() => setRemoving(undefined)}
        />
      )}
    </Panel>
  );
}

/** Where a rotation stands, told from the secrets themselves: nothing to keep, nothing to forget. */
function Rotation({ secrets, usedFor }: { secrets: readonly Secret[]; usedFor: string }) {
  const [newer, older] = secrets;
  const added = older !== undefined;
  const steps = [
    { done: added, text: "Add a second secret. The first goes on working." },
    {
      done: added && newer?.lastUseTime !== undefined,
      text: `Hand the new one to the system that has to ${usedFor}. Its first use shows here.`,
    },
    {
      done: mayGo(secrets),
      text: "Wait until the older one has not been used for a day: whoever still has it would have come by.",
    },
    { done: false, text: "Remove the older one." },
  ];
  const current = added ? steps.findIndex((step) => !step.done) : -1;
  return (
    <div className={classes.rotation}>
      <Text size="sm" fw={600}>
        Replace a secret without an outage
      </Text>
      <ol>
        {steps.map((step, index) => (
          <li
            key={step.text}
            data-done={step.done || undefined}
            data-current={index === current || undefined}
            aria-current={index === current ? "step" : undefined}
          >
            {step.text}
            {step.done && <span className="visually-hidden"> (done)</span>}
          </li>
        ))}
      </ol>
    </div>
  );
}

const day = 86_400_000;

/** Whether a secret was used within a day: something may still have it. */
const isInUse = (secret: Secret) => millis(secret.lastUseTime) > Date.now() - day;

/** Whether the newer of two has taken over, so that the older may go. */
function mayGo([newer, older]: readonly Secret[]): boolean {
  return newer?.lastUseTime !== undefined && older !== undefined && !isInUse(older);
}

function RemoveDialog({
  owner,
  secret,
  usedFor,
  isLast,
  canRevokeTokens,
  remove,
  reload,
  onClose,
}: {
  owner: string;
  secret: Secret;
  usedFor: string;
  isLast: boolean;
  canRevokeTokens: boolean;
  remove: (input: {
    secretId: string;
    revokeTokens: boolean;
    validateOnly: boolean;
  }) => Promise<Impact | undefined>;
  reload: () => void;
  onClose: () => void;
}) {
  const [leaked, setLeaked] = useState(false);
  const input = { secretId: secret.secretId, revokeTokens: leaked };
  return (
    <ActDialog
      title={`Remove this secret of ${owner}?`}
      actLabel={leaked ? "Remove it and revoke the tokens" : "Remove the secret"}
      check={() => remove({ ...input, revokeTokens: false, validateOnly: true })}
      act={async () => {
        await remove({ ...input, validateOnly: false });
        notify("The secret is removed");
      }}
      onClose={onClose}
      reload={reload}
    >
      <Text>
        <code>{secret.secretId}</code>, made <When time={secret.createTime} />,{" "}
        {secret.lastUseTime === undefined ? (
          "never used"
        ) : (
          <>
            last used <When time={secret.lastUseTime} />
          </>
        )}
        . A system that still has it cannot {usedFor} any more.
      </Text>
      {isLast && (
        <Text mt="xs" fw={600}>
          This is the last one: {owner} will have no secret.
        </Text>
      )}
      {!isLast && isInUse(secret) && (
        <Text mt="xs" fw={600}>
          This secret was used within the last day: something may still work with it.
        </Text>
      )}
      {canRevokeTokens && (
        <Switch
          mt="sm"
          checked={leaked}
          onChange={(event) => setLeaked(event.currentTarget.checked)}
          label="The secret has leaked: refuse all tokens issued so far too"
        />
      )}
    </ActDialog>
  );
}

const millis = (time: Secret["createTime"]) => toDate(time)?.getTime() ?? 0;
