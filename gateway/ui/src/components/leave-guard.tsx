import { Button, Group, Text } from "@mantine/core";
import { useBlocker } from "@tanstack/react-router";
import { Dialog } from "./dialog";

/** Asks before the user leaves a page on which something would be lost. */
export function LeaveGuard({
  when,
  title = "Leave without saving?",
  text = "What you have typed on this page would be lost.",
}: {
  when: () => boolean;
  title?: string;
  text?: string;
}) {
  const blocker = useBlocker({
    // Tabs and filters of the same page lose nothing.
    shouldBlockFn: ({ current, next }) => when() && current.pathname !== next.pathname,
    enableBeforeUnload: when,
    withResolver: true,
  });
  if (blocker.status !== "blocked") return null;
  return (
    <Dialog onClose={blocker.reset} title={title} withCloseButton={false}>
      <Text mb="lg">{text}</Text>
      <Group justify="flex-end">
        <Button variant="default" onClick={blocker.proceed}>
          Leave
        </Button>
        <Button data-autofocus onClick={blocker.reset}>
          Keep editing
        </Button>
      </Group>
    </Dialog>
  );
}
