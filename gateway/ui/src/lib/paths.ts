import { linkOptions } from "@tanstack/react-router";

/**
 * Every address of the UI, built here and nowhere else; a snapshot test keeps them, because people
 * put them into chats and runbooks.
 */
export const paths = {
  overview: () => linkOptions({ to: "/" }),

  resourceServers: (search: { team?: string; text?: string } = {}) =>
    linkOptions({ to: "/resource-servers", search }),
  newResourceServer: () => linkOptions({ to: "/resource-servers/new" }),
  resourceServer: (identifier: string, search: { tab?: ResourceServerTab } = {}) =>
    linkOptions({ to: "/resource-servers/$identifier", params: { identifier }, search }),
  editResourceServer: (identifier: string) =>
    linkOptions({ to: "/resource-servers/$identifier/edit", params: { identifier } }),

  clients: (search: { team?: string; state?: "enabled" | "disabled"; text?: string } = {}) =>
    linkOptions({ to: "/clients", search }),
  newClient: (search: { scope?: string } = {}) => linkOptions({ to: "/clients/new", search }),
  client: (clientId: string, search: { tab?: ClientTab } = {}) =>
    linkOptions({ to: "/clients/$clientId", params: { clientId }, search }),
  editClient: (clientId: string) =>
    linkOptions({ to: "/clients/$clientId/edit", params: { clientId } }),

  grants: (search: GrantSearch = {}) => linkOptions({ to: "/grants", search }),
  newGrant: (search: { client?: string; "resource-server"?: string } = {}) =>
    linkOptions({ to: "/grants/new", search }),
  grant: (grantId: string) => linkOptions({ to: "/grants/$grantId", params: { grantId } }),

  teams: (search: { text?: string; state?: (typeof teamStates)[number] } = {}) =>
    linkOptions({ to: "/teams", search }),
  newTeam: () => linkOptions({ to: "/teams/new" }),
  team: (team: string) => linkOptions({ to: "/teams/$team", params: { team } }),
  editTeam: (team: string) => linkOptions({ to: "/teams/$team/edit", params: { team } }),

  sessions: (search: { person?: string } = {}) => linkOptions({ to: "/sessions", search }),

  drift: (search: { tab?: DriftTab; kind?: (typeof driftKinds)[number] } = {}) =>
    linkOptions({ to: "/drift", search }),

  activity: (
    search: { client?: string; "resource-server"?: string; team?: string; about?: string } = {},
  ) => linkOptions({ to: "/activity", search }),
  event: (sequence: bigint) =>
    linkOptions({ to: "/activity/$sequence", params: { sequence: String(sequence) } }),
};

export const resourceServerTabs = ["scopes", "access", "secrets", "verifiers", "settings"] as const;
export type ResourceServerTab = (typeof resourceServerTabs)[number];

export const clientTabs = ["access", "secrets", "try", "settings"] as const;
export type ClientTab = (typeof clientTabs)[number];

export const driftTabs = ["drift", "pending"] as const;
export type DriftTab = (typeof driftTabs)[number];
export const driftKinds = ["different", "missing", "unmanaged"] as const;

export const teamStates = ["active", "orphan"] as const;

export const grantViews = ["waiting", "all"] as const;
export const grantStates = ["pending", "active", "denied", "revoked", "expired"] as const;

export interface GrantSearch {
  view?: "waiting";
  state?: (typeof grantStates)[number];
  team?: string;
  client?: string;
  "resource-server"?: string;
  text?: string;
}
