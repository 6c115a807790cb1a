import { useQuery } from "@connectrpc/connect-query";
import { AppShell, Burger, Kbd, Text, UnstyledButton } from "@mantine/core";
import { useDisclosure, useHotkeys } from "@mantine/hooks";
import {
  IconArrowsDiff,
  IconBuildingBroadcastTower,
  IconHistory,
  IconHome2,
  IconKey,
  IconSearch,
  IconServerBolt,
  IconUsersGroup,
} from "@tabler/icons-react";
import { Link, useRouter } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, useState, type ComponentType, type ReactNode } from "react";
import { GrantService, ReconcileService } from "~/api";
import { live } from "~/api/live";
import { Logo } from "~/components/logo";
import { paths } from "~/lib/paths";
import { driftInput } from "~/features/drift/query";
import { waitingInput } from "~/features/grants/waiting";
import { useSession } from "~/session/session";
import { UserMenu } from "./user-menu";
import classes from "./shell.module.css";

const Palette = lazy(() => import("./palette"));

/** The frame around every page: navigation, search, who I am. */
export function Shell({ children }: { children: ReactNode }) {
  const [opened, nav] = useDisclosure(false);
  const [palette, setPalette] = useState<{ open: boolean; wanted: boolean }>({
    open: false,
    wanted: false,
  });
  const openPalette = () => setPalette({ open: true, wanted: true });
  useHotkeys([["mod+K", openPalette]], []);
  const router = useRouter();
  const { close } = nav;
  useEffect(() => router.subscribe("onBeforeNavigate", () => close()), [router, close]);

  return (
    <AppShell
      layout="alt"
      header={{ height: 56 }}
      navbar={{ width: 232, breakpoint: "sm", collapsed: { mobile: !opened } }}
      padding={0}
      classNames={{ main: classes.main, navbar: classes.navbar, header: classes.header }}
    >
      <a href="#content" className={classes.skip}>
        Skip to the content
      </a>
      <AppShell.Header>
        <div className={classes.headerBar}>
          <Burger
            opened={opened}
            onClick={nav.toggle}
            hiddenFrom="sm"
            size="sm"
            aria-label={opened ? "Close the navigation" : "Open the navigation"}
          />
          <UnstyledButton
            className={classes.search}
            onClick={openPalette}
            aria-label="Search or jump to"
          >
            <IconSearch size={16} aria-hidden="true" />
            <span className={classes.searchWords}>Search or jump to …</span>
            <Kbd size="xs" visibleFrom="sm">
              Ctrl K
            </Kbd>
          </UnstyledButton>
          <UserMenu />
        </div>
      </AppShell.Header>
      <AppShell.Navbar aria-label="Main">
        <div className={classes.brand}>
          <Link {...paths.overview()} className={classes.brandLink}>
            <Logo />
            <span>Turnpike</span>
          </Link>
          <Burger
            opened
            onClick={nav.close}
            hiddenFrom="sm"
            size="sm"
            aria-label="Close the navigation"
          />
        </div>
        <Navigation />
        <Where />
      </AppShell.Navbar>
      <AppShell.Main>
        <div id="content" className={classes.content} tabIndex={-1}>
          {children}
        </div>
      </AppShell.Main>
      {palette.wanted && (
        <Suspense>
          <Palette open={palette.open} onClose={() => setPalette({ open: false, wanted: true })} />
        </Suspense>
      )}
    </AppShell>
  );
}

function Navigation() {
  const session = useSession();
  const waiting = useQuery(GrantService.method.listGrants, waitingInput, live);
  const found = waiting.data?.grants.length ?? 0;
  const more = (waiting.data?.nextPageToken ?? "") !== "";
  return (
    <div className={classes.nav}>
      <NavItem to={paths.overview()} icon={IconHome2} exact>
        Overview
      </NavItem>
      <NavItem to={paths.resourceServers()} icon={IconServerBolt}>
        Resource servers
      </NavItem>
      <NavItem to={paths.clients()} icon={IconBuildingBroadcastTower}>
        Clients
      </NavItem>
      <NavItem to={paths.grants()} icon={IconKey}>
        Grants
        <Count found={found} more={more} of="waiting for your decision" />
      </NavItem>
      <NavItem to={paths.teams()} icon={IconUsersGroup}>
        Teams
      </NavItem>
      <NavItem to={paths.activity()} icon={IconHistory}>
        Activity
      </NavItem>
      {session.readsAll && <DriftItem />}
    </div>
  );
}

function DriftItem() {
  const drift = useQuery(ReconcileService.method.listDrift, driftInput, live);
  const found = drift.data?.drifts.length ?? 0;
  const more = (drift.data?.nextPageToken ?? "") !== "";
  return (
    <NavItem to={paths.drift()} icon={IconArrowsDiff}>
      Drift
      <Count found={found} more={more} of="differ between registry and pool" />
    </NavItem>
  );
}

function Count({ found, more, of }: { found: number; more: boolean; of: string }) {
  return (
    found > 0 && (
      <span className={classes.count} title={of}>
        {found}
        {more && "+"}
        <span className="visually-hidden"> {of}</span>
      </span>
    )
  );
}

function NavItem({
  to,
  icon: Icon,
  exact = false,
  children,
}: {
  to: Record<string, unknown> & { to: string };
  icon: ComponentType<{ size?: number; stroke?: number; "aria-hidden"?: boolean }>;
  exact?: boolean;
  children: ReactNode;
}) {
  return (
    <Link
      {...to}
      className={classes.navItem ?? ""}
      activeOptions={{ exact, includeSearch: false }}
      activeProps={{ "data-active": true }}
    >
      <Icon size={19} stroke={1.7} aria-hidden />
      {children}
    </Link>
  );
}

/** At the foot of the navigation: for whom I act, and which installation this is. */
function Where() {
  const session = useSession();
  const teams = session.memberTeams.map((team) => session.teamName(team.team));
  return (
    <div className={classes.where}>
      <Text size="xs" c="dimmed">
        {teams.length === 0
          ? session.teamsKnown
            ? "You are in no team"
            : "Your teams are not known"
          : teams.length === 1
            ? "Your team"
            : "Your teams"}
      </Text>
      <Text size="sm" fw={600}>
        {teams.join(", ")}
      </Text>
      {session.deployment !== undefined && (
        <Text size="xs" c="dimmed" mt={6}>
          {hostOf(session.deployment.issuer)} · {session.deployment.version}
        </Text>
      )}
    </div>
  );
}

function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : url;
}
