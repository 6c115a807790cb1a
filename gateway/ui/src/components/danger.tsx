import { Text } from "@mantine/core";
import type { ReactNode } from "react";
import { Panel } from "./page";
import classes from "./danger.module.css";

/** Acts that hurt, apart from everything else and at the page's end. */
export function DangerZone({ children }: { children: ReactNode }) {
  return (
    <Panel title="Danger zone" tone="danger">
      <div className={classes.rows}>{children}</div>
    </Panel>
  );
}

export function DangerRow({
  title,
  children,
  action,
}: {
  title: string;
  children: ReactNode;
  action: ReactNode;
}) {
  return (
    <div className={classes.row}>
      <div className={classes.words}>
        <Text fw={600}>{title}</Text>
        <Text size="sm" c="dimmed">
          {children}
        </Text>
      </div>
      {action}
    </div>
  );
}
