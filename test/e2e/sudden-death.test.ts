import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findWrongBlobs } from "../support/check-blobs.ts";
import { listProcessTree } from "../support/process-tree.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROUNDS = 20;
const PUSHES = 50;
const WORKERS = 2;

it("loses no acknowledged tag when a worker or the supervisor is killed during pushes", {
  timeout: 300_000,
}, async () => {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const acknowledged: PushedImage[] = [];
  const refused: string[] = [];
  let broken = 0;
  let server = await startServe({ rootDirectory, workers: WORKERS });
  const { port } = new URL(server.url);
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const killsSupervisor = round % 2 === 1;
      // A different moment each time: from nearly all pushes under way to nearly all done.
      const killAfter = Math.floor((round * PUSHES) / ROUNDS);
      const result = await pushUntilKilled(server, round, killAfter, killsSupervisor);
      acknowledged.push(...result.acknowledged);
      broken += result.failures.length;
      // A connection may break under a client; an answer of a living server may not be a refusal.
      refused.push(...result.failures.filter((message) => message.startsWith("expected status")));
      if (killsSupervisor) {
        await waitUntilEnded(result.workers);
        await server.kill();
        server = await startServe({ rootDirectory, workers: WORKERS, port: Number(port) });
      }
      await expectAllComplete(server.url, result.acknowledged);
    }
    await expectAllComplete(server.url, acknowledged);
  } finally {
    await server.stop();
  }

  const { checked, wrong } = await findWrongBlobs(rootDirectory);
  expect(wrong).toEqual([]);
  expect(refused).toEqual([]);
  expect(acknowledged.length).toBeGreaterThan(ROUNDS);
  expect(checked).toBeGreaterThanOrEqual(acknowledged.length);
  // Otherwise nothing was killed in the middle of anything.
  expect(broken).toBeGreaterThan(ROUNDS);
});

async function pushUntilKilled(
  server: ServeProcess,
  round: number,
  killAfter: number,
  killsSupervisor: boolean,
): Promise<{ acknowledged: PushedImage[]; failures: string[]; workers: number[] }> {
  const client = new RegistryHttp(server.url);
  const workers = await waitForWorkers(server.pid);
  const victims = killsSupervisor ? [server.pid] : [workers[round % workers.length] ?? server.pid];
  const acknowledged: PushedImage[] = [];
  let killed = false;
  const kill = () => {
    killed = true;
    for (const pid of victims) process.kill(pid, "SIGKILL");
  };
  if (killAfter === 0) setTimeout(kill, 30);
  const pushes = Array.from({ length: PUSHES }, async (_, number) => {
    const chunks = [randomBytes(64 * 1024), randomBytes(64 * 1024), randomBytes(1000)];
    const image = await client.pushImage(`kill/repo-${number % 5}`, `round-${round}-${number}`, chunks);
    acknowledged.push(image);
    if (!killed && killAfter > 0 && acknowledged.length >= killAfter) kill();
  });
  const results = await Promise.allSettled(pushes);
  client.close();
  const failures = results.flatMap((result) =>
    result.status === "rejected" ? [String(result.reason.message)] : [],
  );
  return { acknowledged, failures, workers };
}

/** A worker that was killed is replaced. */
async function waitForWorkers(supervisor: number): Promise<number[]> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    const workers = (await listProcessTree(supervisor)).slice(1);
    if (workers.length === WORKERS) return workers;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`there are not ${WORKERS} workers after 10 seconds`);
}

/** Workers end by themselves when their supervisor is gone; until then they hold the port. */
async function waitUntilEnded(pids: number[]): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline; ) {
    if (!pids.some(isAlive)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`workers ${pids.filter(isAlive).join(", ")} outlive their supervisor by 10 seconds`);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A worker that was killed may still be being replaced: its connections are refused or reset, never answered wrongly. */
async function expectAllComplete(url: string, images: PushedImage[]): Promise<void> {
  const client = new RegistryHttp(url, { maxSockets: 8 });
  try {
    await Promise.all(images.map((image) => client.expectComplete(image)));
  } finally {
    client.close();
  }
}
