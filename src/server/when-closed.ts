import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

const waiting = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls `listener` once, when an answer has left or its connection is gone. An answer that waits behind another one
 * on its connection (pipelining) does not tell of the connection's end by itself, so that is watched too.
 */
export function whenClosed(socket: Socket, response: ServerResponse, listener: () => void): void {
  const listeners = listenersOf(socket);
  const once = (): void => {
    if (listeners.delete(once)) listener();
  };
  listeners.add(once);
  response.once("close", once);
}

/** One listener on the connection, however many requests it carries. */
function listenersOf(socket: Socket): Set<() => void> {
  const known = waiting.get(socket);
  if (known) return known;
  const listeners = new Set<() => void>();
  waiting.set(socket, listeners);
  socket.once("close", () => {
    for (const listener of [...listeners]) listener();
  });
  return listeners;
}
