import { Alert, Button, Code, Group, Text } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { explain } from "~/api/errors";
import { Words } from "./words";
import classes from "./fault.module.css";

/** An error where it happened, with what can be done about it. */
export function FaultAlert({
  error,
  retry,
  reload,
}: {
  error: unknown;
  /** Tries the same again. */
  retry?: (() => void) | undefined;
  /** Loads the object again, after somebody else changed it. */
  reload?: (() => void) | undefined;
}) {
  const fault = explain(error);
  const canReload = fault.kind === "changed" && reload !== undefined;
  return (
    <Alert
      role="alert"
      color="red"
      icon={<IconAlertTriangle size={18} />}
      title={fault.title}
      classNames={{ root: classes.alert, title: classes.title, message: classes.message }}
      mb="md"
    >
      <Words text={fault.message} />
      {fault.kind === "defect" && fault.requestId !== undefined && (
        <Text size="sm" mt={4}>
          Request id: <Code>{fault.requestId}</Code>
        </Text>
      )}
      {(canReload || retry !== undefined) && (
        <Group mt="sm">
          {canReload ? (
            <Button size="xs" variant="default" onClick={reload}>
              Load it again
            </Button>
          ) : (
            <Button size="xs" variant="default" onClick={retry}>
              Try again
            </Button>
          )}
        </Group>
      )}
    </Alert>
  );
}
