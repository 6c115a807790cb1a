import type { Event } from "~/api";
import { ClientName } from "~/components/client-name";
import { ServerName } from "~/components/server-name";
import { TextLink } from "~/components/links";
import { methodInWords } from "./words";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";

/** A link to what an event is about, by the name people know; it may be gone by now. */
export function SubjectLink({ event }: { event: Event }) {
  const session = useSession();
  const at = event.subject.indexOf("/");
  const kind = event.subject.slice(0, at);
  const key = event.subject.slice(at + 1);
  switch (kind) {
    case "clients":
      return (
        <TextLink {...paths.client(key)}>
          <ClientName clientId={key} />
        </TextLink>
      );
    case "resource-servers":
      return (
        <TextLink {...paths.resourceServer(key)}>
          <ServerName identifier={key} />
        </TextLink>
      );
    case "grants":
      return (
        <TextLink {...paths.grant(key)}>
          {event.clientId === "" ? (
            key
          ) : (
            <>
              <ClientName clientId={event.clientId} /> →{" "}
              <ServerName identifier={event.resourceServer} />
            </>
          )}
        </TextLink>
      );
    case "teams":
      return <TextLink {...paths.team(key)}>{session.teamName(key)}</TextLink>;
    case "sessions":
      return (
        <span title={key}>
          a session (<code>{key.slice(0, 8)}</code>)
        </span>
      );
    case "methods":
      return <span>a call to {methodInWords(key)}</span>;
    default:
      return <span>{event.subject}</span>;
  }
}
