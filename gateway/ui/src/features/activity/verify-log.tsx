import { Button, Code, Group, Text } from "@mantine/core";
import { createClient } from "@connectrpc/connect";
import { useTransport } from "@connectrpc/connect-query";
import { IconDownload, IconShieldCheck } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { AuditService, type VerifyLogResponse } from "~/api";
import { useCall, type Call } from "~/api/call";
import { FaultAlert } from "~/components/fault";
import { Panel } from "~/components/page";
import { Words } from "~/components/words";
import { download } from "~/lib/clipboard";
import { useSession } from "~/session/session";
import { notifyFault } from "~/shell/notify";
import classes from "./verify-log.module.css";

interface Verdict {
  readonly last: VerifyLogResponse;
  readonly verified: bigint;
}

/** Goes on where an answer ended: one call verifies a part of a long log. */
async function verifyAll(call: Call): Promise<Verdict> {
  let first = 1n;
  for (;;) {
    // Each call needs the end of the one before it.
    // oxlint-disable-next-line no-await-in-loop
    const last = await call(AuditService.method.verifyLog, { firstSequence: first });
    const ended =
      !last.intact || last.lastSequence >= last.headSequence || last.lastSequence < first;
    if (ended) return { last, verified: last.lastSequence };
    first = last.lastSequence + 1n;
  }
}

/** Proves that the log is whole, and hands it out for others to prove. */
export function VerifyLog() {
  const session = useSession();
  const call = useCall();
  const transport = useTransport();
  const verify = useMutation({ mutationFn: () => verifyAll(call) });
  const exporting = useMutation({
    mutationFn: async () => {
      const lines: string[] = [];
      const stream = createClient(AuditService, transport).exportEvents({}, { timeoutMs: 0 });
      for await (const part of stream) lines.push(...part.lines);
      download("turnpike-log.jsonl", `${lines.join("\n")}\n`);
    },
    onError: notifyFault,
  });
  return (
    <Panel>
      <Group justify="space-between" gap="sm">
        <Text size="sm" c="dimmed" maw="62ch">
          Each event carries the hash of the one before it. Verifying recomputes them all and finds
          an event that was changed, left out or put in.
          {!session.readsAll &&
            " Auditors and platform admins can verify and export the whole log."}
        </Text>
        {session.readsAll && (
          <Group gap="xs">
            <Button
              size="xs"
              variant="default"
              leftSection={<IconDownload size={14} />}
              loading={exporting.isPending}
              onClick={() => exporting.mutate()}
            >
              Export
            </Button>
            <Button
              size="xs"
              leftSection={<IconShieldCheck size={14} />}
              loading={verify.isPending}
              onClick={() => verify.mutate()}
            >
              Verify the log
            </Button>
          </Group>
        )}
      </Group>
      <div role="status">{verify.data !== undefined && <Result verdict={verify.data} />}</div>
      {verify.error !== null && <FaultAlert error={verify.error} retry={() => verify.mutate()} />}
    </Panel>
  );
}

function Result({ verdict: { last, verified } }: { verdict: Verdict }) {
  if (!last.intact) {
    return (
      <div className={classes.result} data-tone="bad">
        <b>The log is broken at event {String(last.brokenSequence)}</b>
        <Text size="sm">
          <Words text={last.problem} />. Do not change anything, and tell the security team at once.
        </Text>
      </div>
    );
  }
  return (
    <div className={classes.result} data-tone="good">
      <b>The log is whole: {String(verified)} events verified</b>
      <Text size="sm">
        Hash of the last one, which proves later that nothing before it has changed:{" "}
        <Code className={classes.hash ?? ""}>{last.lastHash}</Code>
      </Text>
    </div>
  );
}
