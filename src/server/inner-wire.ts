import type { Wire } from "./wire.ts";

/**
 * The wire of a change that no client has sent over HTTP: it has nothing to read, and nobody to answer to, but takes its turn
 * with requests. It cannot be cut off: whoever waits for writes under way waits for its end.
 *
 * @param target - what a request for it would be sent to
 */
export function innerWire(method: string, target: string): Wire {
  return {
    ...{ method, target, headers: {}, httpVersion: "1.1", clientAddress: "", encrypted: false },
    ...{ takesConnectionHeader: false, bodyLength: 0, bodyComplete: true, bodyBroken: false },
    ...{ answerBegun: false, answerBroken: false, status: 0 },
    body: async function* () {},
    invite: () => {},
    discardBody: () => {},
    abandonBody: () => {},
    begin: () => {},
    write: (_chunk, done) => done(),
    end: () => {},
    onceAnswered: () => {},
    cutAnswer: () => {},
    onceClosed: () => {},
  };
}
