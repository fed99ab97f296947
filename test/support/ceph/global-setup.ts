import { once } from "node:events";
import { createServer } from "node:http";
import type { TestProject } from "vitest/node";
import { CEPH_VERSIONS, type CephVersion } from "./ceph-versions.ts";
import { type Rgw, startRgw } from "./start-rgw.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** URL at which a test asks for the gateway of a release: `<url>/18.2`. */
    rgwStarter: string;
  }
}

/**
 * Lets all tests of a run share one gateway of each release. It is started when the first test asks for it, so that a
 * run of tests that need none pays nothing, and ends with the run.
 *
 * @returns what vitest calls when all tests have ended
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = new Map<CephVersion, Promise<Rgw>>();
  const start = (version: CephVersion): Promise<Rgw> => {
    const starting = started.get(version) ?? startRgw(version);
    started.set(version, starting);
    return starting;
  };
  const server = createServer((request, response) => {
    const version = CEPH_VERSIONS.find((known) => request.url === `/${known}`);
    const starting = version === undefined ? Promise.reject(new Error("no such release")) : start(version);
    starting.then(
      ({ endpoint, accessKey, secretKey }) =>
        response.end(JSON.stringify({ version, endpoint, accessKey, secretKey })),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  server.listen(0, "127.0.0.1").unref();
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  project.provide("rgwStarter", `http://127.0.0.1:${address.port}`);
  return async () => {
    server.closeAllConnections();
    server.close();
    await Promise.all(
      [...started.values()].map((rgw) => rgw.then((running) => running.stop()).catch(() => undefined)),
    );
  };
}
