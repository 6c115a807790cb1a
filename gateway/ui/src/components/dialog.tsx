import { Modal, Text, type ModalProps } from "@mantine/core";
import { useEffect, useState } from "react";

/**
 * A dialog that is open as long as it is there. What opened it has the focus again afterwards; where that is
 * gone, as the row of what was removed, the heading of the page.
 */
export function Dialog({
  title,
  ...props
}: Omit<ModalProps, "opened" | "returnFocus" | "title"> & { title: string }) {
  useFocusBack();
  return <Modal opened returnFocus={false} title={<Text fw={650}>{title}</Text>} {...props} />;
}

function useFocusBack(): void {
  const [before] = useState(() => document.activeElement);
  useEffect(
    () => () => {
      // A moment later: the dialog is gone then, and a page that was opened meanwhile has taken the focus itself.
      requestAnimationFrame(() => {
        const now = document.activeElement;
        if (now !== null && now !== document.body) return;
        const opener = before instanceof HTMLElement && before.isConnected ? before : undefined;
        (opener ?? document.querySelector("h1"))?.focus({ preventScroll: true });
      });
    },
    [before],
  );
}
