import { Text } from "@mantine/core";
import { EffectKind, type Effect } from "~/api";
import { sentence } from "~/api/errors";
import { paths } from "~/lib/paths";
import { splitScope } from "~/lib/words";
import { useSession } from "~/session/session";
import { TextLink } from "./links";
import { Scopes } from "./mono";
import { ServerName } from "./server-name";
import { Words } from "./words";
import classes from "./effects.module.css";

/** Whether a grant, or the request for one, goes with it. */
export function endsAccess(effect: Effect): boolean {
  switch (effect.kind) {
    case EffectKind.GRANT_ENDS:
    case EffectKind.GRANT_REQUEST_ENDS:
    case EffectKind.GRANT_SHRINKS:
      return true;
    case EffectKind.UNSPECIFIED:
    case EffectKind.TOKENS_REFUSED:
    case EffectKind.SECRET_ENDS:
    case EffectKind.CLIENT_STOPS:
      return false;
  }
}

/**
 * What ends or stops working, each with a link to it. What happens to the object itself (its tokens, its secrets) the
 * dialog says in its own words; of a client that stops there is told here which APIs it no longer calls, unless the
 * grants that end say so.
 */
export function Effects({ effects, total }: { effects: readonly Effect[]; total: number }) {
  const grants = effects.filter(endsAccess);
  const unknown = effects.filter((effect) => effect.kind === EffectKind.UNSPECIFIED);
  const stops = effects.find((effect) => effect.kind === EffectKind.CLIENT_STOPS);
  const calls = grants.length > 0 || stops === undefined ? [] : byServer(stops.scopes);
  if (grants.length + unknown.length + calls.length === 0) return null;
  return (
    <div className={classes.effects}>
      <Text size="sm" fw={600}>
        What breaks
      </Text>
      <ul>
        {grants.map((effect, index) => (
          <li key={`${effect.grantId} ${index}`}>
            <span className={classes.kind}>{grantWords[effect.kind]}</span>
            <GrantEffect effect={effect} />
          </li>
        ))}
        {calls.map(({ identifier, scopes }) => (
          <li key={identifier}>
            <span className={classes.kind}>Calls end</span>
            <span>
              to{" "}
              <TextLink
                {...paths.resourceServer(identifier)}
                target="_blank"
                inherit
                underline="always"
              >
                <ServerName identifier={identifier} />
              </TextLink>
              {" with "}
              <Scopes scopes={scopes} />
            </span>
          </li>
        ))}
        {unknown.map((effect) => (
          <li key={effect.description}>
            <span className={classes.kind}>Changes</span>
            <span>
              <Words text={sentence(effect.description)} />
            </span>
          </li>
        ))}
      </ul>
      {total > effects.length && (
        <Text size="sm" c="dimmed">
          and {total - effects.length} more
        </Text>
      )}
    </div>
  );
}

const grantWords: Partial<Record<EffectKind, string>> = {
  [EffectKind.GRANT_ENDS]: "Grant ends",
  [EffectKind.GRANT_REQUEST_ENDS]: "Request ends",
  [EffectKind.GRANT_SHRINKS]: "Grant shrinks",
};

function GrantEffect({ effect }: { effect: Effect }) {
  const session = useSession();
  const asks = effect.kind === EffectKind.GRANT_REQUEST_ENDS;
  return (
    <span>
      {asks && "the request of "}
      <TextLink {...paths.grant(effect.grantId)} target="_blank" inherit underline="always">
        {effect.clientDisplayName === "" ? effect.clientId : effect.clientDisplayName}
      </TextLink>
      {effect.clientTeam !== "" && (
        <>
          {" of team "}
          <TextLink {...paths.team(effect.clientTeam)} target="_blank" inherit underline="always">
            {session.teamName(effect.clientTeam)}
          </TextLink>
        </>
      )}
      {effect.scopes.length > 0 && (
        <>
          {asks ? " for " : " loses "}
          <Scopes scopes={effect.scopes} />
        </>
      )}
    </span>
  );
}

function byServer(scopes: readonly string[]) {
  const found = new Map<string, string[]>();
  for (const scope of scopes) {
    const { resourceServer } = splitScope(scope);
    found.set(resourceServer, [...(found.get(resourceServer) ?? []), scope]);
  }
  return [...found].map(([identifier, mine]) => ({ identifier, scopes: mine }));
}
