import { ClientName } from "~/components/client-name";
import { TextLink } from "~/components/links";
import { Two } from "~/components/two";
import { paths } from "~/lib/paths";
import { parseSubject } from "./words";

/** What drifts or waits: by its name, with a link to it where the registry has it. */
export function SubjectCell({
  subject,
  name = "",
  registered = true,
}: {
  subject: string;
  /** What the pool calls it. */
  name?: string;
  registered?: boolean;
}) {
  const { kind, key } = parseSubject(subject);
  const called = name === "" ? key : name;
  return (
    <Two
      first={
        !registered ? (
          <b>{called}</b>
        ) : kind === "client" ? (
          <TextLink fw={600} {...paths.client(key)}>
            <ClientName clientId={key} />
          </TextLink>
        ) : (
          <TextLink fw={600} {...paths.resourceServer(key)}>
            {called}
          </TextLink>
        )
      }
      second={
        <>
          {kind === "client" ? "Client" : "Resource server"} <code>{key}</code>
        </>
      }
    />
  );
}
