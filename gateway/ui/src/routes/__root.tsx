import { createRootRoute, Outlet } from "@tanstack/react-router";
import { AnnouncerProvider } from "~/components/announcer";
import { SessionGate } from "~/session/session";
import { Shell } from "~/shell/shell";
import { ToastHost } from "~/shell/toast-host";

export const Route = createRootRoute({
  component: () => (
    <SessionGate>
      <AnnouncerProvider>
        <Shell>
          <Outlet />
        </Shell>
        <ToastHost />
      </AnnouncerProvider>
    </SessionGate>
  ),
});
