import "@mantine/spotlight/styles.css";
import { useQuery } from "@connectrpc/connect-query";
import { createSpotlight, Spotlight, type SpotlightActionData } from "@mantine/spotlight";
import { useDebouncedValue } from "@mantine/hooks";
import {
  IconArrowsDiff,
  IconBolt,
  IconBuildingBroadcastTower,
  IconDeviceDesktop,
  IconHistory,
  IconHome2,
  IconKey,
  IconPlus,
  IconSearch,
  IconServerBolt,
  IconUsersGroup,
} from "@tabler/icons-react";
import { keepPreviousData } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { ClientService, ResourceServerService } from "~/api";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";
import { pageActions } from "./page-actions";

const [store, spotlight] = createSpotlight();

/** Goes anywhere by typing: pages, actions, resource servers, clients, teams. */
export default function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const navigate = useNavigate();
  const session = useSession();
  const [query, setQuery] = useState("");
  const [text] = useDebouncedValue(query.trim().slice(0, 100), 150);
  const options = { enabled: open && text !== "", placeholderData: keepPreviousData };
  const servers = useQuery(
    ResourceServerService.method.listResourceServers,
    { text, pageSize: 6 },
    options,
  );
  const clients = useQuery(ClientService.method.listClients, { text, pageSize: 6 }, options);

  useEffect(() => {
    if (open) spotlight.open();
  }, [open]);

  const pages: SpotlightActionData[] = [
    {
      id: "overview",
      label: "Overview",
      leftSection: <IconHome2 size={18} />,
      onClick: () => void navigate(paths.overview()),
    },
    {
      id: "resource-servers",
      label: "Resource servers",
      keywords: "api catalogue scopes",
      leftSection: <IconServerBolt size={18} />,
      onClick: () => void navigate(paths.resourceServers()),
    },
    {
      id: "clients",
      label: "Clients",
      keywords: "partner",
      leftSection: <IconBuildingBroadcastTower size={18} />,
      onClick: () => void navigate(paths.clients()),
    },
    {
      id: "grants",
      label: "Grants",
      keywords: "access approve",
      leftSection: <IconKey size={18} />,
      onClick: () => void navigate(paths.grants()),
    },
    {
      id: "waiting",
      label: "Grants waiting for me",
      keywords: "approve deny decide",
      leftSection: <IconKey size={18} />,
      onClick: () => void navigate(paths.grants({ view: "waiting" })),
    },
    {
      id: "teams",
      label: "Teams",
      keywords: "people owner contact groups",
      leftSection: <IconUsersGroup size={18} />,
      onClick: () => void navigate(paths.teams()),
    },
    {
      id: "activity",
      label: "Activity",
      keywords: "log audit events",
      leftSection: <IconHistory size={18} />,
      onClick: () => void navigate(paths.activity()),
    },
    {
      id: "sessions",
      label: "Your sessions",
      keywords: "sign out everywhere browser device",
      leftSection: <IconDeviceDesktop size={18} />,
      onClick: () => void navigate(paths.sessions()),
    },
    ...(session.readsAll
      ? [
          {
            id: "drift",
            label: "Drift",
            keywords: "pool cognito reconcile outbox pending walk",
            leftSection: <IconArrowsDiff size={18} />,
            onClick: () => void navigate(paths.drift()),
          },
        ]
      : []),
  ];
  const acts: SpotlightActionData[] = [
    {
      id: "new-client",
      label: "Register a client",
      keywords: "new create",
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate(paths.newClient()),
    },
    {
      id: "new-resource-server",
      label: "Register a resource server",
      keywords: "new create api",
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate(paths.newResourceServer()),
    },
    {
      id: "new-grant",
      label: "Ask for a grant",
      keywords: "new request access scope",
      leftSection: <IconPlus size={18} />,
      onClick: () => void navigate(paths.newGrant()),
    },
  ];
  const matches = (action: SpotlightActionData) =>
    `${action.label ?? ""} ${String(action.keywords ?? "")}`
      .toLowerCase()
      .includes(query.trim().toLowerCase());
  const here: SpotlightActionData[] = pageActions().map(({ label, keywords, run }) => ({
    id: `here-${label}`,
    label,
    ...(keywords === undefined ? {} : { keywords }),
    leftSection: <IconBolt size={18} />,
    onClick: run,
  }));
  const groups = [
    { group: "On this page", actions: here.filter(matches) },
    { group: "Go to", actions: pages.filter(matches) },
    { group: "Do", actions: acts.filter(matches) },
    {
      group: "Resource servers",
      actions: (text === "" ? [] : (servers.data?.resourceServers ?? [])).map((server) => ({
        id: `server-${server.identifier}`,
        label: server.displayName,
        description: server.identifier,
        leftSection: <IconServerBolt size={18} />,
        onClick: () => void navigate(paths.resourceServer(server.identifier)),
      })),
    },
    {
      group: "Clients",
      actions: (text === "" ? [] : (clients.data?.clients ?? [])).map((client) => ({
        id: `client-${client.clientId}`,
        label: client.displayName,
        description: client.clientId,
        leftSection: <IconBuildingBroadcastTower size={18} />,
        onClick: () => void navigate(paths.client(client.clientId)),
      })),
    },
    {
      group: "Teams",
      actions: (text === "" ? [] : session.everyTeam)
        .filter((team) =>
          `${team.displayName} ${team.team}`.toLowerCase().includes(text.toLowerCase()),
        )
        .slice(0, 6)
        .map((team) => ({
          id: `team-${team.team}`,
          label: team.displayName,
          description: team.team,
          leftSection: <IconUsersGroup size={18} />,
          onClick: () => void navigate(paths.team(team.team)),
        })),
    },
  ].filter((group) => group.actions.length > 0);

  return (
    <Spotlight
      store={store}
      actions={groups}
      // What the server found is found; only our own entries are filtered, above.
      filter={(_query, actions) => actions}
      query={query}
      onQueryChange={setQuery}
      onSpotlightClose={() => {
        setQuery("");
        onClose();
      }}
      shortcut={null}
      nothingFound="Nothing found"
      highlightQuery
      scrollable
      centered={false}
      attributes={{ content: { "aria-label": "Search or jump to" } }}
      yOffset="12vh"
      overlayProps={{ backgroundOpacity: 0.45, blur: 0 }}
      maxHeight="60vh"
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: "Pages, actions, resource servers, clients, teams",
        "aria-label": "Search or jump to",
      }}
    />
  );
}
