import {
  ActionIcon,
  Avatar,
  Group,
  Menu,
  Text,
  Tooltip,
  UnstyledButton,
  useComputedColorScheme,
  useMantineColorScheme,
} from "@mantine/core";
import { IconDeviceDesktop, IconLogout, IconMoon, IconSun } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { logout } from "~/api/transport";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";
import { notifyFault } from "./notify";
import classes from "./user-menu.module.css";

export function UserMenu() {
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const signOut = async () => {
    try {
      const next = await logout(session.id);
      // Nothing that was read stays in memory; the gate asks who we are and shows the way back in.
      client.clear();
      window.location.assign(next);
    } catch (error) {
      notifyFault(error);
    }
  };
  const role = session.isAdmin ? "Platform admin" : session.isAuditor ? "Auditor" : undefined;
  return (
    <Group gap="xs" ml="auto" wrap="nowrap">
      <SchemeSwitch />
      <Menu width={230}>
        <Menu.Target>
          <UnstyledButton className={classes.who} aria-label={`Account of ${session.name}`}>
            <Avatar
              size={32}
              radius="xl"
              className={classes.avatar ?? ""}
              data-hue={hueOf(session.id)}
              aria-hidden="true"
            >
              {initials(session.name)}
            </Avatar>
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <div className={classes.card}>
            <Text fw={600}>{session.name}</Text>
            <Text size="sm" c="dimmed">
              {[role, ...session.memberTeams.map((team) => session.teamName(team.team))]
                .filter((word) => word !== undefined)
                .join(" · ")}
            </Text>
          </div>
          <Menu.Divider />
          <Menu.Item
            leftSection={<IconDeviceDesktop size={16} />}
            onClick={() => void navigate(paths.sessions())}
          >
            Your sessions
          </Menu.Item>
          <Menu.Item leftSection={<IconLogout size={16} />} onClick={() => void signOut()}>
            Sign out
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </Group>
  );
}

function SchemeSwitch() {
  const scheme = useComputedColorScheme("light");
  const { setColorScheme } = useMantineColorScheme();
  const next = scheme === "dark" ? "light" : "dark";
  const label = `Switch to ${next} colours`;
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={label}
        onClick={() => setColorScheme(next)}
      >
        {scheme === "dark" ? <IconSun size={18} /> : <IconMoon size={18} />}
      </ActionIcon>
    </Tooltip>
  );
}

/** One of six colours by a person's key: people of the same initials are told apart by it. */
export function hueOf(id: string): number {
  let sum = 0;
  for (const letter of id) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return sum % 6;
}

function initials(name: string): string {
  const words = name.split(/\s+/).filter((word) => word !== "");
  return [words[0], words.length > 1 ? words.at(-1) : undefined]
    .map((word) => word?.charAt(0).toUpperCase() ?? "")
    .join("");
}
