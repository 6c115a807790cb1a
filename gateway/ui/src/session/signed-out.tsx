import { Button, Code, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useEffect, type ReactNode } from "react";
import type { Fault } from "~/api/errors";
import { Logo } from "~/components/logo";
import classes from "./signed-out.module.css";

/** What a browser without a session sees, whatever page it asked for. */
export function SignedOut() {
  return (
    <Card title="Sign in to Turnpike">
      <Text c="dimmed">This browser has no session, or the session has ended.</Text>
      <Text className={classes.ways ?? ""}>
        The terminal in which <Code className={classes.command ?? ""}>turnpike up</Code> runs has
        printed a login link for each persona. A link works once and for a few minutes; start it
        again for fresh ones.
      </Text>
      <Text size="sm" c="dimmed">
        Just signed in and still here? Then the browser refused the session’s cookie: open Turnpike
        through <Code>http://127.0.0.1</Code> or <Code>https://</Code>, not through a plain address
        on your network.
      </Text>
      <Group>
        <Button onClick={() => window.location.reload()}>I have signed in, load again</Button>
      </Group>
    </Card>
  );
}

/** The session could not be asked for; nothing is known about the user. */
export function Unreachable({ fault, retry }: { fault: Fault; retry: () => void }) {
  return (
    <Card title={fault.title}>
      <Text c="dimmed">{fault.message}</Text>
      {fault.requestId !== undefined && (
        <Text size="sm" c="dimmed">
          Request id: <Code>{fault.requestId}</Code>
        </Text>
      )}
      <Group>
        <Button onClick={retry}>Try again</Button>
      </Group>
    </Card>
  );
}

function Card({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Turnpike`;
  }, [title]);
  return (
    <main className={classes.page}>
      <Paper withBorder p="xl" radius="lg" className={classes.card}>
        <Stack gap="md">
          <Group gap="sm">
            <Logo size={36} />
            <Title order={1} size="h2">
              {title}
            </Title>
          </Group>
          {children}
        </Stack>
      </Paper>
    </main>
  );
}
