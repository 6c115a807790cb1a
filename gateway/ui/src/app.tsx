import { TransportProvider } from "@connectrpc/connect-query";
import type { Transport } from "@connectrpc/connect";
import { localStorageColorSchemeManager, MantineProvider } from "@mantine/core";
import { QueryClientProvider, type QueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { useState } from "react";
import { forPerson, nobodyYet } from "~/api/page-person";
import { nonce } from "~/lib/nonce";
import type { AppRouter } from "~/router";
import { PagePersonContext } from "~/session/session";
import { cssVariablesResolver, theme } from "~/theme";

/** The key is also read by public/color-scheme.js, before the first paint. */
const colorSchemeManager = localStorageColorSchemeManager({ key: "turnpike-color-scheme" });

export function App({
  router,
  queryClient,
  transport,
  env = "default",
}: {
  router: AppRouter;
  queryClient: QueryClient;
  transport: Transport;
  env?: "default" | "test";
}) {
  const [person] = useState(nobodyYet);
  const [named] = useState(() => forPerson(transport, person));
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariablesResolver}
      colorSchemeManager={colorSchemeManager}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce ?? ""}
      env={env}
    >
      <PagePersonContext value={person}>
        <TransportProvider transport={named}>
          <QueryClientProvider client={queryClient}>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </TransportProvider>
      </PagePersonContext>
    </MantineProvider>
  );
}
