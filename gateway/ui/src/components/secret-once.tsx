import { Alert, Button, Group, Stack, Text } from "@mantine/core";
import { IconAlertTriangle, IconDownload } from "@tabler/icons-react";
import { download } from "~/lib/clipboard";
import { CodeBlock } from "./mono";
import { CopyButton } from "./copy-button";
import { Dialog } from "./dialog";
import classes from "./fault.module.css";

export interface ShownSecret {
  /** Whose secret it is, as people call it. */
  readonly owner: string;
  /** What it is used with: a client id or an identifier. */
  readonly userName: { readonly label: string; readonly value: string };
  /** Empty where the server has given it out before and keeps no copy. */
  readonly value: string;
}

/**
 * The only moment at which a secret can be seen. Its value lives in this dialog's state and nowhere
 * else; Escape and a click beside it do not close it.
 */
export function SecretOnce({ secret, onDone }: { secret: ShownSecret; onDone: () => void }) {
  const file = `${secret.owner.replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")}.env`;
  const name = secret.userName.label === "Client id" ? "CLIENT" : "RESOURCE_SERVER";
  return (
    <Dialog
      onClose={() => undefined}
      withCloseButton={false}
      closeOnEscape={false}
      closeOnClickOutside={false}
      size="lg"
      title={`The secret of ${secret.owner}`}
    >
      {secret.value === "" ? (
        <Stack>
          <Text>
            This secret has been made, and its value was given out with the first answer. It cannot
            be shown again: add another secret and remove this one.
          </Text>
          <Group justify="flex-end">
            <Button onClick={onDone}>Done</Button>
          </Group>
        </Stack>
      ) : (
        <Stack>
          <Alert
            color="yellow"
            icon={<IconAlertTriangle size={18} />}
            classNames={{ root: classes.warning ?? "", message: classes.message ?? "" }}
          >
            <b>You will not see this value again.</b> Turnpike keeps a hash of it only. Copy it into
            the vault of the system that uses it now, and send it to nobody by mail or chat.
          </Alert>
          <div>
            <Text size="sm" fw={600} mb={4}>
              {secret.userName.label}
            </Text>
            <CodeBlock code={secret.userName.value} what={secret.userName.label.toLowerCase()} />
          </div>
          <div>
            <Text size="sm" fw={600} mb={4}>
              Secret
            </Text>
            <div data-testid="secret-value">
              <CodeBlock code={secret.value} what="secret" wrap />
            </div>
          </div>
          <Group justify="space-between">
            <Group gap="xs">
              <CopyButton text={secret.value} autofocus>
                Copy the secret
              </CopyButton>
              <Button
                variant="default"
                leftSection={<IconDownload size={16} />}
                onClick={() =>
                  download(
                    file,
                    `${name}_ID=${secret.userName.value}\n${name}_SECRET=${secret.value}\n`,
                  )
                }
              >
                Download
              </Button>
            </Group>
            {/* Not the first in focus: an Enter too many would lose the secret. */}
            <Button onClick={onDone}>I have stored it</Button>
          </Group>
        </Stack>
      )}
    </Dialog>
  );
}
