import { Button, Group, Stack } from "@mantine/core";
import type { FormEvent, ReactNode } from "react";
import { FaultAlert } from "./fault";

/** A form on a page of its own: fields, what went wrong, and the two ways out. */
export function PageForm({
  onSubmit,
  error,
  reload,
  busy,
  submitLabel,
  cancel,
  children,
}: {
  onSubmit: (event: FormEvent<HTMLFormElement>) => void;
  error: unknown;
  reload?: () => void;
  busy: boolean;
  submitLabel: string;
  cancel: ReactNode;
  children: ReactNode;
}) {
  return (
    <form onSubmit={onSubmit} noValidate>
      <Stack gap={0} maw={760}>
        {children}
        {error !== undefined && <FaultAlert error={error} reload={reload} />}
        <Group>
          <Button type="submit" loading={busy}>
            {submitLabel}
          </Button>
          {cancel}
        </Group>
      </Stack>
    </form>
  );
}
