import { Link } from "@tanstack/react-router";
import { useState } from "react";
import type { Grant } from "~/api";
import { paths } from "~/lib/paths";
import { count, list, splitScope } from "~/lib/words";
import { useDisabled, useServerNames } from "./nodes";
import classes from "./access-picture.module.css";

const rowHeight = 56;
const most = 10;

interface Edge {
  readonly client: string;
  readonly server: string;
  readonly scopes: readonly string[];
}

/**
 * Clients on the left, resource servers on the right, a line for each grant. Rows have one height, so
 * the lines need no measuring. The same as a list is a link away, for those who cannot see it.
 */
export default function AccessPicture({
  grants,
  team,
}: {
  grants: readonly Grant[];
  team: string;
}) {
  const [lit, setLit] = useState<string>();
  const clients = new Map<string, { name: string; own: boolean }>();
  const servers = new Map<string, { own: boolean }>();
  const edges = new Map<string, Edge>();
  for (const grant of grants) {
    clients.set(grant.clientId, {
      name: grant.clientDisplayName === "" ? grant.clientId : grant.clientDisplayName,
      own: grant.clientTeam === team,
    });
    servers.set(grant.resourceServer, { own: grant.resourceServerTeam === team });
    const key = `${grant.clientId} ${grant.resourceServer}`;
    edges.set(key, {
      client: grant.clientId,
      server: grant.resourceServer,
      scopes: [...(edges.get(key)?.scopes ?? []), ...grant.scopes],
    });
  }
  const left = [...clients.keys()].slice(0, most);
  const right = [...servers.keys()].slice(0, most);
  const disabled = useDisabled(left);
  const serverNames = useServerNames(right);
  const serverName = (key: string) => serverNames.get(key) ?? key;
  const hidden = clients.size - left.length + (servers.size - right.length);
  const height = Math.max(left.length, right.length) * rowHeight;
  const y = (keys: string[], key: string) =>
    (height - keys.length * rowHeight) / 2 + (keys.indexOf(key) + 0.5) * rowHeight;
  const shown = [...edges.values()].filter(
    (edge) => left.includes(edge.client) && right.includes(edge.server),
  );
  const nameOf = (edge: Edge) => clients.get(edge.client)?.name ?? edge.client;
  const touches = (edge: Edge) => lit === `c ${edge.client}` || lit === `s ${edge.server}`;
  const light = (key: string) => ({
    onMouseEnter: () => setLit(key),
    onMouseLeave: () => setLit(undefined),
    onFocus: () => setLit(key),
    onBlur: () => setLit(undefined),
  });
  return (
    <div>
      <div className={classes.heads} aria-hidden="true">
        <span>Clients</span>
        <span>Resource servers</span>
      </div>
      <div className={classes.picture} style={{ height }}>
        <ul className={classes.side} aria-label="Clients">
          {left.map((key) => {
            const degree = shown.filter((edge) => edge.client === key).length;
            return (
              <li key={key} style={{ height: rowHeight }}>
                <Link
                  {...paths.client(key)}
                  className={classes.node ?? ""}
                  data-own={clients.get(key)?.own || undefined}
                  data-disabled={disabled.has(key) || undefined}
                  {...light(`c ${key}`)}
                >
                  <span className={classes.name}>{clients.get(key)?.name}</span>{" "}
                  {disabled.has(key) ? (
                    <span className={classes.off}>disabled</span>
                  ) : (
                    <span className="visually-hidden">
                      can call {count(degree, "resource server")}
                    </span>
                  )}
                </Link>
              </li>
            );
          })}
        </ul>
        <svg
          className={classes.edges}
          viewBox={`0 0 100 ${height}`}
          preserveAspectRatio="none"
          aria-hidden="true"
        >
          {shown.map((edge) => {
            const [from, to] = [y(left, edge.client), y(right, edge.server)];
            return (
              <path
                key={`${edge.client} ${edge.server}`}
                d={`M 0 ${from} C 45 ${from}, 55 ${to}, 100 ${to}`}
                data-disabled={disabled.has(edge.client) || undefined}
                data-lit={touches(edge) || undefined}
                data-dim={(lit !== undefined && !touches(edge)) || undefined}
                vectorEffect="non-scaling-stroke"
                strokeWidth={Math.min(1 + edge.scopes.length * 0.75, 4)}
              />
            );
          })}
        </svg>
        <ul className={classes.side} aria-label="Resource servers">
          {right.map((key) => {
            const degree = shown.filter(
              (edge) => edge.server === key && !disabled.has(edge.client),
            ).length;
            return (
              <li key={key} style={{ height: rowHeight }}>
                <Link
                  {...paths.resourceServer(key, { tab: "access" })}
                  className={classes.node ?? ""}
                  data-own={servers.get(key)?.own || undefined}
                  {...light(`s ${key}`)}
                >
                  <span className={classes.name}>{serverName(key)}</span>{" "}
                  <span className="visually-hidden">is called by {count(degree, "client")}</span>
                </Link>
              </li>
            );
          })}
        </ul>
      </div>
      {/* For those who see it: to others each name says the same with its own page behind it. */}
      <div className={classes.told} aria-hidden="true">
        {lit === undefined ? (
          <span className={classes.quiet}>
            <span className={classes.pointer}>
              Point at a client or a resource server to see the scopes.
            </span>
            <span className={classes.touch}>
              Open a client or a resource server to see the scopes.
            </span>
          </span>
        ) : (
          shown.filter(touches).map((edge) => (
            <div key={`${edge.client} ${edge.server}`}>
              {nameOf(edge)}
              {disabled.has(edge.client) && " (disabled)"} → {serverName(edge.server)}:{" "}
              <b>{list([...new Set(edge.scopes.map((scope) => splitScope(scope).name))])}</b>
            </div>
          ))
        )}
      </div>
      <p className={classes.legend}>
        <span className={classes.swatch} /> your team’s
        {disabled.size > 0 && (
          <>
            {" "}
            · <span className={classes.swatch} data-disabled /> disabled: gets no token
          </>
        )}
        {hidden > 0 && ` · ${hidden} more are not drawn`}
      </p>
    </div>
  );
}
