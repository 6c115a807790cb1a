import "@mantine/notifications/styles.css";
import { Notifications, notifications } from "@mantine/notifications";
import { IconCheck, IconX } from "@tabler/icons-react";
import { useEffect } from "react";
import { Words } from "~/components/words";
import { attachHost } from "./notify";

export default function Toasts() {
  useEffect(
    () =>
      attachHost(({ title, message, tone }) => {
        notifications.show({
          title,
          message: message === undefined ? "" : <Words text={message} />,
          color: tone === "good" ? "pike" : "red",
          icon: tone === "good" ? <IconCheck size={18} /> : <IconX size={18} />,
          autoClose: tone === "good" ? 4000 : 10_000,
          withBorder: true,
          // Mantine's grey is 3.3:1 on white.
          styles: { description: { color: "var(--mantine-color-dimmed)" } },
          closeButtonProps: { "aria-label": "Close the message" },
        });
      }),
    [],
  );
  return <Notifications position="bottom-right" limit={4} />;
}
