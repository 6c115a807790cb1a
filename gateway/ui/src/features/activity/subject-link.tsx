import type { Event } from "~/api";
import { TextLink } from "~/components/links";
import { paths } from "~/lib/paths";
import classes from "./subject-link.module.css";

/** A link to what an event is about; it may be gone by now. */
export function SubjectLink({ event }: { event: Event }) {
  const at = event.subject.indexOf("/");
  const kind = event.subject.slice(0, at);
  const key = event.subject.slice(at + 1);
  switch (kind) {
    case "clients":
      return (
        <TextLink {...paths.client(key)} className={classes.key}>
          {key}
        </TextLink>
      );
    case "resource-servers":
      return (
        <TextLink {...paths.resourceServer(key)} className={classes.key}>
          {key}
        </TextLink>
      );
    case "grants":
      return (
        <TextLink {...paths.grant(key)} className={classes.key}>
          {key}
        </TextLink>
      );
    case "teams":
      return (
        <TextLink {...paths.team(key)} className={classes.key}>
          {key}
        </TextLink>
      );
    default:
      return <span>{event.subject}</span>;
  }
}
