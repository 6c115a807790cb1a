import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { copy } from "~/lib/clipboard";

type CopyState = "idle" | "copied" | "failed";

function useCopy(text: string) {
  const [state, setState] = useState<CopyState>("idle");
  useEffect(() => {
    if (state === "idle") return undefined;
    const timer = setTimeout(() => setState("idle"), 2500);
    return () => clearTimeout(timer);
  }, [state]);
  const run = () => {
    void copy(text).then((done) => setState(done ? "copied" : "failed"));
  };
  return { state, run };
}

const failedWords = "This browser does not let the page copy: select the text instead";

export function CopyIcon({ text, what }: { text: string; what: string }) {
  const { state, run } = useCopy(text);
  const label = state === "copied" ? "Copied" : state === "failed" ? failedWords : `Copy ${what}`;
  return (
    <Tooltip label={label}>
      <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} onClick={run}>
        {state === "copied" ? <IconCheck size={15} /> : <IconCopy size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function CopyButton({
  text,
  autofocus = false,
  children,
}: {
  text: string;
  /** Whether it has the focus when its dialog opens. */
  autofocus?: boolean;
  children: string;
}) {
  const { state, run } = useCopy(text);
  return (
    <Button
      variant="default"
      data-autofocus={autofocus || undefined}
      leftSection={state === "copied" ? <IconCheck size={16} /> : <IconCopy size={16} />}
      onClick={run}
    >
      {state === "copied" ? "Copied" : state === "failed" ? "Select it by hand" : children}
    </Button>
  );
}
