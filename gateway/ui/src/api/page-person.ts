import { isMessage } from "@bufbuild/protobuf";
import type { Transport } from "@connectrpc/connect";
import { nameOf } from "~/lib/words";
import { GetSessionResponseSchema, SessionService } from "./gen/turnpike/v1/session_pb";

/** Names whom the page was opened for; the gateway refuses a call if somebody else has signed in. */
export const personHeader = "x-turnpike-person";

/** Whom this page was opened for: all tabs of a browser share one session, and it may change. */
export interface PagePerson {
  id: string | undefined;
  name: string;
}

export const nobodyYet = (): PagePerson => ({ id: undefined, name: "" });

/** What goes along with a request that is no call, such as signing out. */
export const personHeaders = (id: string) => ({ [personHeader]: encodeURIComponent(id) });

/**
 * The transport of a page that knows its person: the first answer to GetSession says who it is, and every
 * call after it names them. GetSession itself does not, since it asks who is signed in now.
 */
export function forPerson(transport: Transport, person: PagePerson): Transport {
  const named = (header: HeadersInit | undefined) => {
    const headers = new Headers(header);
    if (person.id !== undefined) headers.set(personHeader, encodeURIComponent(person.id));
    return headers;
  };
  return {
    async unary(method, signal, timeoutMs, header, input, contextValues) {
      if (method.parent.typeName === SessionService.typeName) {
        const answer = await transport.unary(
          method,
          signal,
          timeoutMs,
          header,
          input,
          contextValues,
        );
        if (person.id === undefined && isMessage(answer.message, GetSessionResponseSchema)) {
          person.id = answer.message.principal?.id;
          person.name = nameOf(answer.message.principal);
        }
        return answer;
      }
      return transport.unary(method, signal, timeoutMs, named(header), input, contextValues);
    },
    stream: (method, signal, timeoutMs, header, input, contextValues) =>
      transport.stream(method, signal, timeoutMs, named(header), input, contextValues),
  };
}
