import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** The open answers of each connection, with whom to tell of their end. */
const waiting = new WeakMap<object, Map<ServerResponse, () => void>>();

/**
 * Calls `listener` once, when an answer has left or its connection is gone. An answer that waits behind another one
 * on its connection (pipelining) does not tell of the connection's end by itself, so that is watched too.
 */
export function whenClosed(socket: Socket, response: ServerResponse, listener: () => void): void {
  const listeners = listenersOf(socket);
  const once = (): void => {
    if (listeners.delete(response)) listener();
  };
  listeners.set(response, once);
  response.once("close", once);
}

/** Tells whether a connection is in the middle of an answer, so that nothing else can be said on it. */
export function isMidAnswer(socket: object): boolean {
  for (const response of waiting.get(socket)?.keys() ?? []) {
    if (response.headersSent && !response.writableEnded) return true;
  }
  return false;
}

/** One listener on the connection, however many requests it carries. */
function listenersOf(socket: Socket): Map<ServerResponse, () => void> {
  const known = waiting.get(socket);
  if (known) return known;
  const listeners = new Map<ServerResponse, () => void>();
  waiting.set(socket, listeners);
  socket.once("close", () => {
    for (const listener of [...listeners.values()]) listener();
  });
  return listeners;
}
