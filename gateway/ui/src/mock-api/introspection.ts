import { create } from "@bufbuild/protobuf";
import { Code, ConnectError, type HandlerContext, type ServiceImpl } from "@connectrpc/connect";
import { VerifierSchema, type IntrospectionService } from "~/api/gen/turnpike/v1/introspection_pb";
import { notFound } from "./faults";
import { page, type Caller, type World } from "./world";

type CallerOf = (context: HandlerContext) => Caller;

/** Three processes of each API that has a secret; the last of them is a little behind. */
export function introspectionHandlers(
  world: World,
  callerOf: CallerOf,
): ServiceImpl<typeof IntrospectionService> {
  const notHere = (): never => {
    throw new ConnectError("only resource servers ask this", Code.Unimplemented);
  };
  return {
    introspect: notHere,
    revokeToken: notHere,
    watchPolicy: notHere,
    listVerifiers(request, context) {
      const caller = callerOf(context);
      const server = world.resourceServers.get(request.identifier);
      if (server === undefined) throw notFound("resource server", request.identifier);
      const follows = server.secrets.length > 0;
      const changed = 41n;
      const names = follows ? ["orders-api-7c9d-0", "orders-api-7c9d-1", "orders-api-7c9d-2"] : [];
      const verifiers = names.map((name, index) =>
        create(VerifierSchema, {
          name,
          software: "turnpike-sdk/0.1.0",
          connectTime: server.createTime,
          appliedSequence: index === 2 ? changed - 3n : changed,
          upToDate: index !== 2,
        }),
      );
      const named = caller.seesAll || caller.isIn(server.team);
      const { items, nextPageToken } = page(named ? verifiers : [], request);
      return {
        verifiers: items,
        nextPageToken,
        total: verifiers.length,
        upToDate: verifiers.filter((verifier) => verifier.upToDate).length,
        changedSequence: changed,
      };
    },
  };
}
