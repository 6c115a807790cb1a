import type {
  DescMessage,
  DescMethodUnary,
  MessageInitShape,
  MessageShape,
} from "@bufbuild/protobuf";
import { callUnaryMethod, createConnectQueryKey, useTransport } from "@connectrpc/connect-query";
import { useQueryClient } from "@tanstack/react-query";
import { isOfTheSession } from "./errors";
import { SessionService } from "./gen/turnpike/v1/session_pb";

/** The key under which the session is kept. */
export const sessionKey = createConnectQueryKey({
  schema: SessionService.method.getSession,
  cardinality: "finite",
});

export type Call = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  input: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

/** Calls a method outside of a query; a session that has ended, or is another person's, shows at once. */
export function useCall(): Call {
  const transport = useTransport();
  const client = useQueryClient();
  return async (method, input) => {
    try {
      return await callUnaryMethod(transport, method, input);
    } catch (error) {
      if (isOfTheSession(error)) void client.invalidateQueries({ queryKey: sessionKey });
      throw error;
    }
  };
}

/** Asks again for all that is on the screen: a grant shows on four pages. */
export function useRefresh(): () => Promise<void> {
  const client = useQueryClient();
  return () =>
    client.invalidateQueries({ predicate: (query) => query.queryKey[0] === "connect-query" });
}

/** As useCall, for a method that changes something: what is on the screen is asked for again. */
export function useChange(): Call {
  const call = useCall();
  const refresh = useRefresh();
  return async (method, input) => {
    const answer = await call(method, input);
    await refresh();
    return answer;
  };
}
