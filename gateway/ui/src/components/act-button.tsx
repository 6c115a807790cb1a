import { Button, Tooltip, type ButtonProps } from "@mantine/core";
import type { ReactNode } from "react";

/** A button that, where it may not be used, stays and says why. */
export function ActButton({
  disabledReason,
  onClick,
  children,
  ...props
}: Omit<ButtonProps, "disabled"> & {
  disabledReason: string | undefined;
  onClick: () => void;
  children: ReactNode;
  "aria-label"?: string;
}) {
  const off = disabledReason !== undefined;
  return (
    <Tooltip label={disabledReason} disabled={!off} multiline maw={280}>
      <Button
        {...props}
        // Not `disabled`: that would take it from the keyboard, and the reason with it.
        {...(off ? { "data-disabled": true } : {})}
        aria-disabled={off}
        {...(off ? { "aria-description": disabledReason } : {})}
        onClick={() => {
          if (!off) onClick();
        }}
      >
        {children}
      </Button>
    </Tooltip>
  );
}
