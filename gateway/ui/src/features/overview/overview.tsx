import { useQuery } from "@connectrpc/connect-query";
import { Skeleton, Text } from "@mantine/core";
import {
  IconBan,
  IconBuildingBroadcastTower,
  IconChevronRight,
  IconCircleCheck,
  IconHistory,
  IconKey,
  IconPlus,
  IconServerBolt,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, type ReactNode } from "react";
import { ClientService, GrantService, GrantState, ResourceServerService, type Grant } from "~/api";
import { live } from "~/api/live";
import { ClientBadge } from "~/components/badge";
import { FaultAlert } from "~/components/fault";
import { TeamFilter } from "~/components/filters";
import { ButtonLink, TextLink } from "~/components/links";
import { Scopes } from "~/components/mono";
import { Empty, PageHeader, Panel } from "~/components/page";
import { When } from "~/components/when";
import { Who } from "~/components/who";
import { waitingInput } from "~/features/grants/waiting";
import { NoTeam, TeamsNotKnown } from "~/features/teams/no-team";
import { paths } from "~/lib/paths";
import { count } from "~/lib/words";
import { useSession } from "~/session/session";
import classes from "./overview.module.css";

const AccessPicture = lazy(() => import("./access-picture"));

/** What waits, what the team has, and who can call what. */
export function Overview({ wanted }: { wanted: string | undefined }) {
  const session = useSession();
  const team = wanted ?? session.memberTeams[0]?.team;
  const firstName = session.name.split(" ")[0] ?? session.name;
  return (
    <>
      <PageHeader
        title="Overview"
        subtitle={`Welcome, ${firstName}.`}
        actions={
          session.memberTeams.length > 1 && <TeamFilter team={wanted} everyone="My first team" />
        }
      />
      <TeamsNotKnown />
      <Waiting />
      {session.isAuditor && <AuditActions />}
      {team === undefined ? (
        <NoTeam />
      ) : (
        <>
          <QuickActions />
          <div className={classes.columns}>
            <TeamClients team={team} />
            <TeamServers team={team} />
          </div>
          <Asked team={team} />
          <Picture team={team} />
        </>
      )}
    </>
  );
}

/** Requests the user may decide; the first thing they should see. */
function Waiting() {
  const query = useQuery(GrantService.method.listGrants, waitingInput, live);
  const grants = query.data?.grants ?? [];
  if (query.error !== null && query.data === undefined) {
    return <FaultAlert error={query.error} retry={() => void query.refetch()} />;
  }
  if (query.isPending) return <Skeleton height={64} mb="lg" radius="md" />;
  if (grants.length === 0) {
    return (
      <p className={classes.calm}>
        <IconCircleCheck size={18} aria-hidden="true" /> Nothing waits for your decision.
      </p>
    );
  }
  return (
    <Panel
      tone="attention"
      title={`${count(grants.length, "request waits", "requests wait")} for your decision`}
      flush
    >
      <ul className={classes.requests}>
        {grants.slice(0, 5).map((grant) => (
          <Request key={grant.grantId} grant={grant} action="Review" />
        ))}
      </ul>
      {(grants.length > 5 || query.data.nextPageToken !== "") && (
        <div className={classes.more}>
          <TextLink {...paths.grants({ view: "waiting" })}>See all that wait</TextLink>
        </div>
      )}
    </Panel>
  );
}

function Request({ grant, action }: { grant: Grant; action: string }) {
  const session = useSession();
  const name = grant.clientDisplayName === "" ? grant.clientId : grant.clientDisplayName;
  return (
    <li className={classes.request}>
      <div className={classes.requestWords}>
        <div>
          <TextLink {...paths.grant(grant.grantId)} className={classes.strong ?? ""}>
            {name}
          </TextLink>{" "}
          <Text span size="sm" c="dimmed">
            of team {session.teamName(grant.clientTeam)} wants
          </Text>
        </div>
        <Scopes scopes={grant.scopes} />
        <Text size="sm" className={classes.reason ?? ""}>
          “{grant.reason}”
        </Text>
        <Text size="xs" c="dimmed">
          <Who principal={grant.requester} />, <When time={grant.requestTime} />
        </Text>
      </div>
      <ButtonLink
        size="xs"
        variant={action === "Review" ? "filled" : "default"}
        {...paths.grant(grant.grantId)}
        aria-label={`${action} the request of ${name}`}
      >
        {action}
      </ButtonLink>
    </li>
  );
}

/** What the team has asked others for and is still waiting for. */
function Asked({ team }: { team: string }) {
  const session = useSession();
  const query = useQuery(
    GrantService.method.listGrants,
    { team, state: GrantState.PENDING, pageSize: 20 },
    live,
  );
  const grants = (query.data?.grants ?? []).filter(
    (grant) => grant.clientTeam === team && !session.mayManage(grant.resourceServerTeam),
  );
  if (grants.length === 0) return null;
  return (
    <Panel title="Asked, and not decided yet" flush>
      <ul className={classes.requests}>
        {grants.slice(0, 5).map((grant) => (
          <Request key={grant.grantId} grant={grant} action="Open" />
        ))}
      </ul>
    </Panel>
  );
}

function QuickActions() {
  return (
    <div className={classes.quick}>
      <Quick
        icon={<IconBuildingBroadcastTower size={20} aria-hidden="true" />}
        title="Register a client"
        text="A partner or a service that needs tokens"
        link={paths.newClient()}
      />
      <Quick
        icon={<IconServerBolt size={20} aria-hidden="true" />}
        title="Register a resource server"
        text="Your API and what may be done with it"
        link={paths.newResourceServer()}
      />
      <Quick
        icon={<IconKey size={20} aria-hidden="true" />}
        title="Ask for access"
        text="Scopes of another API, for your client"
        link={paths.newGrant()}
      />
    </div>
  );
}

/** Where those begin who read it all. */
function AuditActions() {
  return (
    <div className={classes.quick}>
      <Quick
        icon={<IconKey size={20} aria-hidden="true" />}
        title="Who can call what"
        text="Active grants of all teams"
        link={paths.grants({ state: "active" })}
      />
      <Quick
        icon={<IconHistory size={20} aria-hidden="true" />}
        title="What happened"
        text="The log: verify it, export it"
        link={paths.activity()}
      />
      <Quick
        icon={<IconBan size={20} aria-hidden="true" />}
        title="What was refused"
        text="Attempts that were not allowed"
        link={paths.activity({ about: "refusals" })}
      />
    </div>
  );
}

function Quick({
  icon,
  title,
  text,
  link,
}: {
  icon: ReactNode;
  title: string;
  text: string;
  link: { to: string };
}) {
  return (
    <Link {...link} className={classes.action ?? ""}>
      <span className={classes.actionIcon}>{icon}</span>
      <span>
        <span className={classes.strong}>{title}</span>
        <span className={classes.actionText}>{text}</span>
      </span>
    </Link>
  );
}

function TeamClients({ team }: { team: string }) {
  const session = useSession();
  const query = useQuery(ClientService.method.listClients, { team, pageSize: 5 }, live);
  const clients = query.data?.clients ?? [];
  return (
    <Panel
      title={`Clients of ${session.teamName(team)}`}
      actions={clients.length > 0 && <TextLink {...paths.clients({ team })}>See all</TextLink>}
      flush
    >
      <Rows query={query}>
        {clients.map((client) => (
          <Row
            key={client.clientId}
            link={paths.client(client.clientId)}
            title={client.displayName}
            text={
              client.scopes.length === 0 ? "no scopes yet" : count(client.scopes.length, "scope")
            }
            end={<ClientBadge state={client.state} />}
          />
        ))}
      </Rows>
      {query.isSuccess && clients.length === 0 && (
        <Empty
          title="No clients yet"
          action={
            <ButtonLink size="xs" leftSection={<IconPlus size={14} />} {...paths.newClient()}>
              Register a client
            </ButtonLink>
          }
        >
          A client stands for one system that calls APIs: a partner’s shop, a nightly job.
        </Empty>
      )}
    </Panel>
  );
}

function TeamServers({ team }: { team: string }) {
  const session = useSession();
  const query = useQuery(
    ResourceServerService.method.listResourceServers,
    { team, pageSize: 5 },
    live,
  );
  const servers = query.data?.resourceServers ?? [];
  return (
    <Panel
      title={`Resource servers of ${session.teamName(team)}`}
      actions={
        servers.length > 0 && <TextLink {...paths.resourceServers({ team })}>See all</TextLink>
      }
      flush
    >
      <Rows query={query}>
        {servers.map((server) => (
          <Row
            key={server.identifier}
            link={paths.resourceServer(server.identifier)}
            title={server.displayName}
            text={server.identifier}
            end={
              <Text span size="sm" c="dimmed">
                {count(server.scopes.length, "scope")}
              </Text>
            }
          />
        ))}
      </Rows>
      {query.isSuccess && servers.length === 0 && (
        <Empty
          title="No resource servers yet"
          action={
            <ButtonLink
              size="xs"
              leftSection={<IconPlus size={14} />}
              {...paths.newResourceServer()}
            >
              Register a resource server
            </ButtonLink>
          }
        >
          Does your team run an API? Register it, and decide here who may call it.
        </Empty>
      )}
    </Panel>
  );
}

function Rows({
  query,
  children,
}: {
  query: { isPending: boolean; error: unknown; refetch: () => unknown };
  children: ReactNode;
}) {
  if (query.error !== null)
    return <FaultAlert error={query.error} retry={() => void query.refetch()} />;
  if (query.isPending) {
    return (
      <div className={classes.loading} role="status" aria-label="Loading">
        <Skeleton height={36} />
        <Skeleton height={36} />
      </div>
    );
  }
  return <ul className={classes.rows}>{children}</ul>;
}

function Row({
  link,
  title,
  text,
  end,
}: {
  link: { to: string };
  title: string;
  text: string;
  end: ReactNode;
}) {
  return (
    <li>
      <Link {...link} className={classes.row ?? ""}>
        <span className={classes.rowWords}>
          <span className={classes.strong}>{title}</span>
          <span className={classes.rowText}>{text}</span>
        </span>
        {end}
        <IconChevronRight size={16} aria-hidden="true" className={classes.chevron} />
      </Link>
    </li>
  );
}

function Picture({ team }: { team: string }) {
  const session = useSession();
  const query = useQuery(
    GrantService.method.listGrants,
    { team, state: GrantState.ACTIVE, pageSize: 100 },
    live,
  );
  const grants = query.data?.grants ?? [];
  if (grants.length === 0) return null;
  return (
    <Panel
      title="Who can call what"
      hint={`Active grants that concern ${session.teamName(team)}`}
      actions={<TextLink {...paths.grants({ team, state: "active" })}>As a list</TextLink>}
    >
      <Suspense fallback={<Skeleton height={180} />}>
        <AccessPicture grants={grants} team={team} />
      </Suspense>
    </Panel>
  );
}
