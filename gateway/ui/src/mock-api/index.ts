import { createRouterTransport, type HandlerContext, type Transport } from "@connectrpc/connect";
import { AuditService } from "~/api/gen/turnpike/v1/audit_pb";
import { ClientService } from "~/api/gen/turnpike/v1/clients_pb";
import { GrantService } from "~/api/gen/turnpike/v1/grants_pb";
import { IntrospectionService } from "~/api/gen/turnpike/v1/introspection_pb";
import { ReconcileService } from "~/api/gen/turnpike/v1/reconcile_pb";
import { ResourceServerService } from "~/api/gen/turnpike/v1/resource_servers_pb";
import { SessionService } from "~/api/gen/turnpike/v1/session_pb";
import { TeamService } from "~/api/gen/turnpike/v1/teams_pb";
import { personHeader } from "~/api/page-person";
import { auditHandlers } from "./audit";
import { clientHandlers } from "./clients";
import { otherPerson } from "./faults";
import { grantHandlers } from "./grants";
import { introspectionHandlers } from "./introspection";
import { reconcileHandlers } from "./reconcile";
import { resourceServerHandlers } from "./resource-servers";
import { seededWorld } from "./seed";
import { sessionHandlers } from "./sessions";
import { teamHandlers } from "./teams";
import { callerOf, personas, type PersonaId, type World } from "./world";

export { seededWorld } from "./seed";
export { World, type PersonaId } from "./world";

/** Who is signed in in a browser; undefined is nobody. It may change, as a browser's session does. */
export interface BrowserSession {
  persona: PersonaId | undefined;
}

/**
 * The whole API in memory: for unit tests, `npm run dev:mock` and the preview. Several transports may
 * share one world.
 */
export function mockTransport(session: BrowserSession, world: World = seededWorld()): Transport {
  const caller = (context: HandlerContext) => {
    const found = callerOf(session.persona === undefined ? undefined : personas[session.persona]);
    const page = context.requestHeader.get(personHeader);
    if (page !== null && page !== encodeURIComponent(found.persona.id)) throw otherPerson();
    return found;
  };
  return createRouterTransport((router) => {
    router.service(AuditService, auditHandlers(world, caller));
    router.service(ClientService, clientHandlers(world, caller));
    router.service(GrantService, grantHandlers(world, caller));
    router.service(IntrospectionService, introspectionHandlers(world, caller));
    router.service(ReconcileService, reconcileHandlers(world, caller));
    router.service(ResourceServerService, resourceServerHandlers(world, caller));
    router.service(TeamService, teamHandlers(world, caller));
    router.service(SessionService, sessionHandlers(world, caller));
  });
}

/** The persona chosen by `localStorage.setItem("turnpike-mock-persona", "pavel")`; olga if none was. */
export function browserTransport(): Transport {
  const chosen = window.localStorage.getItem("turnpike-mock-persona") ?? "olga";
  return mockTransport({ persona: chosen in personas ? (chosen as PersonaId) : undefined });
}
