import "@mantine/core/styles.css";
import "./global.css";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { createTransport } from "~/api/transport";
import { App } from "~/app";
import { nonce } from "~/lib/nonce";
import { createQueryClient } from "~/query-client";
import { createAppRouter } from "~/router";

// The dialogs' scroll lock writes a style element too, and asks this package for the nonce.
if (nonce !== undefined) setNonce(nonce);

const transport =
  import.meta.env.MODE === "mock"
    ? (await import("~/mock-api")).browserTransport()
    : createTransport();

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no element `root`");
createRoot(root).render(
  <StrictMode>
    <App router={createAppRouter()} queryClient={createQueryClient()} transport={transport} />
  </StrictMode>,
);
