import { appendFileSync, existsSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import type { HostedServer, ServerParts } from "../../../src/process/workers/hosted-server.ts";
import { closeGently } from "../../../src/server/close-gently.ts";

/**
 * A server whose paths show what the process layer does: `/pid`; `/upload/UUID` holds the upload while it writes two
 * lines; `/gate/NAME` ends when a file of that name is in the store; `/hold/UUID/NAME` both.
 */
export function createStubServer({ order, coordination, accessLog, logger }: ServerParts): HostedServer {
  const { storage } = order.settings;
  const folder = storage.driver === "filesystem" ? storage.rootDirectory : "";
  if (existsSync(join(folder, "die-at-start"))) process.exit(7);
  let inFlight = 0;
  let onIdle = () => {};

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what, first = "", second = ""] = (request.url ?? "").split("/");
    accessLog(`${request.method} ${request.url}`);
    if (what === "upload" || what === "hold") {
      const grant = await coordination.acquireUpload(first, new AbortController().signal);
      appendFileSync(join(folder, "journal"), `begin ${first} ${process.pid}\n`);
      if (what === "hold") await fileAppears(join(folder, second));
      else await new Promise((resolve) => setTimeout(resolve, 5));
      appendFileSync(join(folder, "journal"), `end ${first} ${process.pid}\n`);
      grant.release();
    } else if (what === "gate") {
      appendFileSync(join(folder, "journal"), `waiting ${first}\n`);
      await fileAppears(join(folder, first));
    }
    response.end(String(process.pid));
  }

  const server = createServer((request, response) => {
    inFlight++;
    response.once("close", () => {
      if (--inFlight === 0) onIdle();
    });
    answer(request, response).catch((error: unknown) => {
      logger.error(String(error));
      response.destroy();
    });
  });
  return {
    server,
    setReadOnly: async () => 0,
    holdNames: async () => 0,
    flushCaches: () => {},
    setTag: async () => {},
    load: () => ({ requestsInFlight: inFlight, uploadsInFlight: 0 }),
    retire: (forMs, hurry) => closeGently(server, forMs, hurry),
    drain: () =>
      new Promise((resolve) => {
        if (inFlight === 0) resolve(0);
        else onIdle = () => resolve(0);
      }),
  };
}

async function fileAppears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setTimeout(resolve, 10));
}
