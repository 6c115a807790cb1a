import { clone, create } from "@bufbuild/protobuf";
import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { TeamSchema, TeamState, type Team, type TeamService } from "~/api/gen/turnpike/v1/teams_pb";
import { teamProblems } from "~/lib/rules";
import { denied, notFound, precondition, refuseInvalid, stale, taken } from "./faults";
import { contains, page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

export function teamHandlers(world: World, callerOf: CallerOf): ServiceImpl<typeof TeamService> {
  const find = (team: string) => {
    const found = world.teams.get(team);
    if (found === undefined) throw notFound("team", team);
    return found;
  };
  const admin = (context: HandlerContext) => {
    const caller = callerOf(context);
    if (caller.persona.admin !== true) throw denied();
    return caller;
  };
  const shown = (caller: Caller, team: Team) => {
    const copy = clone(TeamSchema, team);
    copy.member = caller.isIn(team.team);
    if (!caller.seesAll) {
      copy.directoryGroups = [];
      copy.appRoles = [];
    }
    return copy;
  };
  return {
    createTeam(request, context) {
      const caller = admin(context);
      const draft = clone(TeamSchema, request.team ?? create(TeamSchema));
      refuseInvalid(teamProblems(draft));
      return world.once(request.requestId, () => {
        if (world.teams.has(draft.team)) throw taken("team", draft.team);
        if (request.validateOnly) return { team: draft };
        draft.createTime = world.timestamp();
        draft.updateTime = world.timestamp();
        draft.etag = world.etag();
        draft.state = TeamState.ACTIVE;
        world.teams.set(draft.team, draft);
        world.log(caller, {
          action: "team.created",
          subject: `teams/${draft.team}`,
          team: draft.team,
          method: "turnpike.v1.TeamService/CreateTeam",
        });
        return { team: shown(caller, draft) };
      });
    },
    getTeam: (request, context) => ({ team: shown(callerOf(context), find(request.team)) }),
    listTeams(request, context) {
      const caller = callerOf(context);
      const teams = [...world.teams.values()]
        .filter((team) => contains(request.text, team.team, team.displayName, team.contact))
        .filter((team) => request.state === TeamState.UNSPECIFIED || team.state === request.state)
        .toSorted((a, b) => a.displayName.localeCompare(b.displayName));
      const { items, nextPageToken } = page(teams, request);
      return { teams: items.map((team) => shown(caller, team)), nextPageToken };
    },
    updateTeam(request, context) {
      const caller = admin(context);
      const given = request.team ?? create(TeamSchema);
      const team = find(given.team);
      const { displayName, contact, directoryGroups, appRoles } = given;
      const next = clone(TeamSchema, team);
      Object.assign(next, { displayName, contact, directoryGroups, appRoles });
      refuseInvalid(teamProblems(next));
      if (given.etag !== team.etag) throw stale("team");
      if (request.validateOnly) return { team: next };
      next.etag = world.etag();
      next.updateTime = world.timestamp();
      world.teams.set(team.team, next);
      world.log(caller, {
        action: "team.updated",
        subject: `teams/${team.team}`,
        team: team.team,
        method: "turnpike.v1.TeamService/UpdateTeam",
      });
      return { team: shown(caller, next) };
    },
    deleteTeam(request, context) {
      const caller = admin(context);
      const team = find(request.team);
      if (request.etag !== team.etag) throw stale("team");
      const owned = [
        ...[...world.clients.values()]
          .filter((client) => client.team === team.team)
          .map((client) => `clients/${client.clientId}`),
        ...[...world.resourceServers.values()]
          .filter((server) => server.team === team.team)
          .map((server) => `resource-servers/${server.identifier}`),
      ];
      if (owned.length > 0) {
        const description = "the team owns this: hand it over or delete it first";
        throw precondition(owned.map((subject) => ({ type: "TEAM_OWNS", subject, description })));
      }
      if (request.validateOnly) return {};
      world.teams.delete(team.team);
      world.log(caller, {
        action: "team.deleted",
        subject: `teams/${team.team}`,
        team: team.team,
        method: "turnpike.v1.TeamService/DeleteTeam",
      });
      return {};
    },
  };
}
