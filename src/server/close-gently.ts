import { Server } from "node:net";

const LOOK_EVERY_MS = 50;

/**
 * Stops listening without closing idle connections, as `http.Server.close` would: a request may be on its way on one.
 *
 * @param hurry - ends the waiting
 * @returns when all connections have closed, or `forMs` is over
 */
export async function closeGently(server: Server, forMs: number, hurry: AbortSignal): Promise<void> {
  if (server.listening) Server.prototype.close.call(server);
  const untilMs = performance.now() + forMs;
  while (!hurry.aborted && performance.now() < untilMs && (await countConnections(server)) > 0) {
    await soon(hurry);
  }
}

function countConnections(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.getConnections((error, count) => resolve(error ? 0 : count));
  });
}

function soon(hurry: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      hurry.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, LOOK_EVERY_MS);
    hurry.addEventListener("abort", done);
  });
}
