import type { HandlerContext, ServiceImpl } from "@connectrpc/connect";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import type { AuditService, Event } from "~/api/gen/turnpike/v1/audit_pb";
import { denied, notFound } from "./faults";
import { page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

export function auditHandlers(world: World, callerOf: CallerOf): ServiceImpl<typeof AuditService> {
  const teamsOf = (event: Event) => {
    const client = world.clients.get(event.clientId);
    const server = world.resourceServers.get(event.resourceServer);
    return [event.team, client?.team ?? "", server?.team ?? ""];
  };
  const visible = (caller: Caller, event: Event) =>
    caller.seesAll || teamsOf(event).some((team) => caller.isIn(team));

  return {
    listEvents(request, context) {
      const caller = callerOf(context);
      const from = request.fromTime === undefined ? -Infinity : timestampMs(request.fromTime);
      const to = request.toTime === undefined ? Infinity : timestampMs(request.toTime);
      const found = world.events.filter((event) => {
        const time = event.time === undefined ? 0 : timestampMs(event.time);
        return (
          visible(caller, event) &&
          (request.clientId === "" || event.clientId === request.clientId) &&
          (request.resourceServer === "" || event.resourceServer === request.resourceServer) &&
          (request.team === "" || teamsOf(event).includes(request.team)) &&
          (request.action === "" ||
            event.action === request.action ||
            (request.action.endsWith(".*") &&
              event.action.startsWith(request.action.slice(0, -1)))) &&
          (request.actorId === "" || event.actor?.id === request.actorId) &&
          time >= from &&
          time < to
        );
      });
      const { items, nextPageToken } = page(found.toReversed(), request);
      return { events: items, nextPageToken };
    },
    getEvent(request, context) {
      const caller = callerOf(context);
      const event = world.events[Number(request.sequence) - 1];
      if (event === undefined || !visible(caller, event)) {
        throw notFound("event", String(request.sequence));
      }
      return { event };
    },
    verifyLog(_request, context) {
      if (!callerOf(context).seesAll) throw denied();
      const head = BigInt(world.events.length);
      return {
        intact: true,
        firstSequence: 1n,
        lastSequence: head,
        headSequence: head,
        lastHash: world.events.at(-1)?.hash ?? "",
      };
    },
    async *exportEvents(_request, context) {
      if (!callerOf(context).seesAll) throw denied();
      yield {
        lines: world.events.map((event) =>
          JSON.stringify({ sequence: Number(event.sequence), action: event.action }),
        ),
        lastSequence: BigInt(world.events.length),
        lastHash: world.events.at(-1)?.hash ?? "",
      };
    },
  };
}
