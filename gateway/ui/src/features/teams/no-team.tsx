import { Alert, Code, Text } from "@mantine/core";
import { IconUsersGroup } from "@tabler/icons-react";
import { ButtonLink } from "~/components/links";
import { Empty, Panel } from "~/components/page";
import { paths } from "~/lib/paths";
import { useSession } from "~/session/session";

/** Why a person who is signed in has nothing to work with, and what to do about it. */
export function NoTeam() {
  const session = useSession();
  return (
    <Panel>
      <Empty
        icon={<IconUsersGroup size={24} />}
        title={
          session.teamsKnown
            ? "You are in no team"
            : "Your directory did not say which groups you are in"
        }
        action={
          <ButtonLink variant="default" {...paths.resourceServers()}>
            Look at the catalogue
          </ButtonLink>
        }
      >
        {session.teamsKnown ? (
          <>
            Clients and resource servers belong to teams. Ask a platform admin to map one of your
            groups or app roles to a team, then sign in again.
          </>
        ) : (
          <>
            Directories do not for people in very many groups. Ask an admin to assign app roles: the
            directory always tells those.
          </>
        )}
        <Text size="sm" mt="xs">
          They will need your key: <Code>{session.id}</Code>
        </Text>
      </Empty>
    </Panel>
  );
}

/** Beside what a person has by app roles: that there may be more. */
export function TeamsNotKnown() {
  const session = useSession();
  if (session.teamsKnown || session.memberTeams.length === 0) return null;
  return (
    <Alert
      variant="default"
      mb="lg"
      icon={<IconUsersGroup size={18} />}
      title="Your directory did not say which groups you are in"
    >
      You see the teams that you have by app role. If one is missing, ask an admin to assign its app
      role to you.
    </Alert>
  );
}
