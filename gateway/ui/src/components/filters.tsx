import { NativeSelect, SegmentedControl } from "@mantine/core";
import { useSession } from "~/session/session";
import { useSetSearch } from "./list-page";

/**
 * Everyone's, or those of one team: the user's own, and all others where the list may hold what is theirs. A
 * team in the URL is kept, known or not.
 */
export function TeamFilter({
  team,
  everyone,
  others = false,
}: {
  team: string | undefined;
  everyone: string;
  /** Whether the list holds what belongs to other teams. */
  others?: boolean;
}) {
  const session = useSession();
  const setSearch = useSetSearch();
  const mine = session.memberTeams.map((one) => one.team);
  const theirs = others ? session.everyTeam : session.actingTeams;
  const known = [...mine, ...theirs.map((one) => one.team)];
  const teams = [...new Set(team === undefined ? known : [...known, team])];
  // One team's own lists hold nothing else.
  if (teams.length < 2 && team === undefined) return null;
  const change = (value: string) => setSearch({ team: value === "" ? undefined : value });
  if (teams.length <= 2) {
    return (
      <SegmentedControl
        aria-label="Owning team"
        value={team ?? ""}
        onChange={change}
        data={[
          { value: "", label: everyone },
          ...teams.map((key) => ({ value: key, label: session.teamName(key) })),
        ]}
      />
    );
  }
  return (
    <NativeSelect
      aria-label="Owning team"
      value={team ?? ""}
      onChange={(event) => change(event.currentTarget.value)}
      data={[
        { value: "", label: everyone },
        ...teams.map((key) => ({
          value: key,
          label: mine.includes(key) ? `${session.teamName(key)} (yours)` : session.teamName(key),
        })),
      ]}
    />
  );
}

/** One of a few values in the URL. */
export function ChoiceFilter({
  name,
  label,
  value,
  choices,
}: {
  name: string;
  label: string;
  value: string | undefined;
  choices: readonly { value: string; label: string }[];
}) {
  const setSearch = useSetSearch();
  return (
    <NativeSelect
      aria-label={label}
      value={value ?? ""}
      onChange={(event) => {
        const next = event.currentTarget.value;
        setSearch({ [name]: next === "" ? undefined : next });
      }}
      data={[...choices]}
    />
  );
}
