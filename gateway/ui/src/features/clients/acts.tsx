import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { ClientService, ClientState, type Client, type Impact } from "~/api";
import { useCall, useChange, useRefresh } from "~/api/call";
import { ActButton } from "~/components/act-button";
import { ActDialog, type ActInput } from "~/components/act-dialog";
import { DangerRow, DangerZone } from "~/components/danger";
import { ButtonLink } from "~/components/links";
import { Refused } from "~/components/refused";
import { Panel } from "~/components/page";
import { paths } from "~/lib/paths";
import { notify } from "~/shell/notify";

export type ClientAct = "disable" | "enable" | "revoke" | "delete";

/** What can be done to a client as a whole, apart and at the end. */
export function ClientSettings({
  client,
  disabledReason,
  onAct,
}: {
  client: Client;
  disabledReason: string | undefined;
  onAct: (act: ClientAct) => void;
}) {
  const enabled = client.state === ClientState.ENABLED;
  const button = (act: ClientAct, label: string) => (
    <ActButton
      color="red"
      variant="outline"
      disabledReason={disabledReason}
      onClick={() => onAct(act)}
    >
      {label}
    </ActButton>
  );
  return (
    <>
      <Panel title="History" hint="Who changed what, and when">
        <ButtonLink variant="default" size="xs" {...paths.activity({ client: client.clientId })}>
          Show this client’s activity
        </ButtonLink>
      </Panel>
      <DangerZone>
        {enabled && (
          <DangerRow title="Disable" action={button("disable", "Disable")}>
            The client gets no token and its tokens are refused, until it is enabled again.
          </DangerRow>
        )}
        <DangerRow title="Revoke its tokens" action={button("revoke", "Revoke tokens")}>
          All tokens issued before now are refused; the client can get new ones. For a token that
          leaked.
        </DangerRow>
        <DangerRow title="Delete" action={button("delete", "Delete")}>
          The client’s grants end, and its secrets and tokens are refused from then on.
        </DangerRow>
      </DangerZone>
    </>
  );
}

interface Spec {
  readonly title: string;
  readonly label: string;
  readonly text: ReactNode;
  readonly danger: boolean;
  readonly check: () => Promise<Impact | undefined>;
  readonly act: (input: ActInput) => Promise<void>;
}

/** The confirmation of one act, with what breaks. */
export function ClientActDialog({
  client,
  act,
  onClose,
  reload,
}: {
  client: Client;
  act: ClientAct;
  onClose: () => void;
  reload: () => void;
}) {
  const navigate = useNavigate();
  const call = useCall();
  const change = useChange();
  const refresh = useRefresh();
  const { clientId, displayName: name, etag } = client;
  const methods = ClientService.method;
  const specs: Record<ClientAct, () => Spec> = {
    disable: () => ({
      title: `Disable the client ${name}?`,
      label: "Disable it",
      text: (
        <>
          The client gets no more tokens. The tokens it holds are refused{" "}
          <Refused lifetime={client.tokenLifetime} />. Enabling the client again does not bring
          those tokens back.
        </>
      ),
      danger: true,
      check: async () =>
        (await call(methods.disableClient, { clientId, validateOnly: true })).impact,
      act: async () => {
        await change(methods.disableClient, { clientId });
        notify(`${name} is disabled`);
      },
    }),
    enable: () => ({
      title: `Enable the client ${name}?`,
      label: "Enable it",
      text: "The client can get tokens again. Tokens from before it was disabled stay refused.",
      danger: false,
      check: async () => {
        await call(methods.enableClient, { clientId, validateOnly: true });
        return undefined;
      },
      act: async () => {
        await change(methods.enableClient, { clientId });
        notify(`${name} is enabled`);
      },
    }),
    revoke: () => ({
      title: `Revoke the tokens of ${name}?`,
      label: "Revoke its tokens",
      text: (
        <>
          All tokens issued to the client before now are refused{" "}
          <Refused lifetime={client.tokenLifetime} />. The client can get new ones with its secrets.
        </>
      ),
      danger: true,
      check: async () =>
        (await call(methods.revokeClientTokens, { clientId, validateOnly: true })).impact,
      act: async () => {
        await change(methods.revokeClientTokens, { clientId });
        notify(`The tokens of ${name} are revoked`);
      },
    }),
    delete: () => ({
      title: `Delete the client ${name}?`,
      label: "Delete it",
      text: (
        <>
          <code>{clientId}</code> cannot be brought back. The tokens it holds are refused{" "}
          <Refused lifetime={client.tokenLifetime} />. To stop the client for a while, disable it
          instead.
        </>
      ),
      danger: true,
      check: async () =>
        (await call(methods.deleteClient, { clientId, etag, validateOnly: true, force: true }))
          .impact,
      act: async ({ force }) => {
        await call(methods.deleteClient, { clientId, etag, force });
        notify(`${name} is deleted`);
        await navigate(paths.clients());
        // After leaving the page, so that it does not ask for what is gone.
        await refresh();
      },
    }),
  };
  const spec = specs[act]();
  return (
    <ActDialog
      title={spec.title}
      actLabel={spec.label}
      danger={spec.danger}
      {...(act === "enable" ? {} : { check: spec.check })}
      act={spec.act}
      onClose={onClose}
      reload={reload}
    >
      {spec.text}
    </ActDialog>
  );
}
