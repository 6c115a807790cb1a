import { useQuery } from "@connectrpc/connect-query";
import { ClientService, GrantService, GrantState, type Grant } from "~/api";
import { useCall, useChange } from "~/api/call";
import { ActDialog } from "~/components/act-dialog";
import { Scopes } from "~/components/mono";
import { Refused } from "~/components/refused";
import { useServerName } from "~/components/server-name";
import { inFull, toDate } from "~/lib/time";
import { notify } from "~/shell/notify";
import { nameOfClient } from "./grants-table";

export type GrantAct = "approve" | "deny" | "revoke";

function Until({ time }: { time: Grant["expireTime"] }) {
  const date = toDate(time);
  return date === undefined ? "without an end" : <>until {inFull(date)}</>;
}

/** What becomes of the tokens that carry the scopes of a grant that ends. */
function TokensThen({ grant }: { grant: Grant }) {
  const client = useQuery(
    ClientService.method.getClient,
    { clientId: grant.clientId },
    { retry: false },
  );
  const one = grant.scopes.length === 1;
  return (
    <>
      Tokens that the client holds are refused for {one ? "this scope" : "these scopes"}{" "}
      <Refused lifetime={client.data?.client?.tokenLifetime} />, unless another grant holds{" "}
      {one ? "it" : "them"} too.
    </>
  );
}

/** Deciding or ending a grant, with the words that go with it. */
export function GrantActDialog({
  grant,
  act,
  onClose,
  reload,
}: {
  grant: Grant;
  act: GrantAct;
  onClose: () => void;
  reload: () => void;
}) {
  const call = useCall();
  const change = useChange();
  const { grantId, etag } = grant;
  const client = nameOfClient(grant);
  const server = useServerName(grant.resourceServer);
  const common = { onClose, reload };
  switch (act) {
    case "approve":
      return (
        <ActDialog
          {...common}
          title={`Give ${client} access to ${server}?`}
          actLabel="Approve"
          danger={false}
          note={{
            label: "Note",
            description: "Optional. Whoever asked reads it, and it stays in the log.",
            required: false,
            field: "note",
          }}
          act={async ({ note }) => {
            await change(GrantService.method.approveGrant, { grantId, etag, note });
            notify(`${client} has access`);
          }}
        >
          The client can get tokens with {grant.scopes.length === 1 ? "this scope" : "these scopes"}{" "}
          at once, <Until time={grant.expireTime} />: <Scopes scopes={grant.scopes} />
        </ActDialog>
      );
    case "deny":
      return (
        <ActDialog
          {...common}
          title={`Deny ${client} access to ${server}?`}
          actLabel="Deny"
          note={{
            label: "Why not",
            description: "Whoever asked reads it: say what they could ask for instead.",
            required: true,
            field: "note",
          }}
          act={async ({ note }) => {
            await change(GrantService.method.denyGrant, { grantId, etag, note });
            notify("The request is denied");
          }}
        >
          The client gets nothing. The team may ask again, with other scopes or another reason.
        </ActDialog>
      );
    case "revoke": {
      const pending = grant.state === GrantState.PENDING;
      return (
        <ActDialog
          {...common}
          title={
            pending
              ? `Withdraw the request of ${client}?`
              : `Revoke the access of ${client} to ${server}?`
          }
          actLabel={pending ? "Withdraw" : "Revoke"}
          asksTwice={false}
          note={{
            label: "Reason",
            description: "The reason stays with the grant and in the log.",
            required: true,
            field: "reason",
          }}
          check={async () =>
            (
              await call(GrantService.method.revokeGrant, {
                grantId,
                etag,
                reason: "not given yet",
                validateOnly: true,
              })
            ).impact
          }
          act={async ({ note }) => {
            await change(GrantService.method.revokeGrant, { grantId, etag, reason: note });
            notify(pending ? "The request is withdrawn" : `${client} has lost the access`);
          }}
        >
          {pending ? "Nobody will decide the request any more." : <TokensThen grant={grant} />}
        </ActDialog>
      );
    }
  }
}
