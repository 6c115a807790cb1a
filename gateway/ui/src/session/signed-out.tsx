import { Button, Code, Group, Paper, Stack, Text, Title } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useEffect, type ReactNode } from "react";
import type { Fault } from "~/api/errors";
import { signInPath, waysToSignIn } from "~/api/transport";
import { Words } from "~/components/words";
import { Logo } from "~/components/logo";
import classes from "./signed-out.module.css";

/** What a browser without a session sees, whatever page it asked for. */
export function SignedOut() {
  const ways = useQuery({ queryKey: ["ways to sign in"], queryFn: waysToSignIn, retry: false });
  return (
    <Card title="Sign in to Turnpike">
      <Text c="dimmed">This browser has no session, or the session has ended.</Text>
      {typeof ways.data?.directory === "string" && <ByDirectory name={ways.data.directory} />}
      {!ways.isPending && ways.data?.links !== false && <ByLink />}
    </Card>
  );
}

function ByDirectory({ name }: { name: string }) {
  return (
    <Group>
      <Button component="a" href={signInPath(window.location)}>
        Sign in with {name}
      </Button>
    </Group>
  );
}

function ByLink() {
  return (
    <>
      <Text className={classes.ways ?? ""}>
        For a new login link, run <Code className={classes.command ?? ""}>turnpike links</Code> in
        the folder in which Turnpike was started (in its source tree:{" "}
        <Code className={classes.command ?? ""}>make links</Code>). That prints one for each
        persona; a link works once and for a few minutes.
      </Text>
      <Text size="sm" c="dimmed">
        Just signed in and still here? Then the browser refused the session’s cookie: open Turnpike
        through <Code>http://127.0.0.1</Code> or <Code>https://</Code>, not through a plain address
        on your network.
      </Text>
      <Group>
        <Button onClick={() => window.location.reload()}>I have signed in, load again</Button>
      </Group>
    </>
  );
}

/** Somebody else has signed in, in another tab: this page shows what the one before may see. */
export function OtherPerson({ before, now }: { before: string; now: string }) {
  return (
    <Card title={`You are now signed in as ${now}`}>
      <Text>
        This page was opened by {before}. Since then {now} has signed in in another tab, and all
        tabs of a browser share one session. Nothing was done in the name of either.
      </Text>
      <Text size="sm" c="dimmed">
        To be two people at once, sign in in a private window.
      </Text>
      <Group>
        <Button onClick={() => window.location.reload()}>Load this page as {now}</Button>
      </Group>
    </Card>
  );
}

/** The session could not be asked for; nothing is known about the user. */
export function Unreachable({ fault, retry }: { fault: Fault; retry: () => void }) {
  return (
    <Card title={fault.title}>
      <Text c="dimmed">
        <Words text={fault.message} />
      </Text>
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
