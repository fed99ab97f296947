import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it } from "vitest";
import { listProcessTree } from "../support/process-tree.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

let folder: string;
let server: ServeProcess;
let client: RegistryHttp;
let current: PushedImage;

/** A server that forgets at once what clients relied on, with a tag that was moved twice. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-deaths-"));
  server = await start();
  client = new RegistryHttp(server.url);
  for (const content of ["old", "older"]) await client.pushImage("app", "latest", [Buffer.from(content)]);
  current = await client.pushImage("app", "latest", [Buffer.from("current")]);
  return async () => {
    client.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
}, 120_000);

function start(port?: number): Promise<ServeProcess> {
  const options = { rootDirectory: join(folder, "registry"), moreConfig: "gc: {reviewafter: -1}\n" };
  return startServe(port === undefined ? options : { ...options, port });
}

function words(command: string, ...more: string[]): string[] {
  return [command, ...more, "--state-dir", `${join(folder, "registry")}.state`, server.configPath];
}

/** Starts a collection that takes some seconds, and waits until something has gone. */
async function startSlowly(): Promise<{ result: Promise<ProgramResult> }> {
  const before = (await links()).length;
  const args = words("garbage-collect", "-m", "--grace", "0", "--max-ops", "2");
  const { result } = startRegistryCtl(args);
  for (const endMs = Date.now() + 60_000; (await links()).length === before; await sleep(50)) {
    if (Date.now() > endMs) throw new Error(`the collection does not begin: ${(await result).stderr}`);
  }
  return { result };
}

/** What remembers where the tag has pointed: it goes first. */
async function links(): Promise<string[]> {
  const index = join(folder, "registry/docker/registry/v2/repositories/app/_manifests/tags/latest/index");
  return (await readdir(index, { recursive: true })).filter((name) => name.endsWith("/link"));
}

async function workers(): Promise<number[]> {
  const tree = await listProcessTree(server.pid);
  return tree.filter((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("worker.js"));
}

/** Pushes again what is being removed, and looks whether all of it pulls. */
async function pushAgain(tag: string): Promise<PushedImage> {
  const pushed = await client.pushImage("app", tag, [Buffer.from("old")]);
  await client.expectComplete(pushed);
  return pushed;
}

describe("a collection beside a running server", () => {
  it("is planned anew when a worker is killed, and takes nothing that was pushed meanwhile", {
    timeout: 120_000,
  }, async () => {
    const { result } = await startSlowly();
    const pushed = await pushAgain("again");
    const [first] = await workers();
    process.kill(first ?? 0, "SIGKILL");
    client.close();
    client = new RegistryHttp(server.url);
    const more = await pushAgain("once-more");
    const { stdout, stderr, exitCode } = await result;

    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(
      "warning: it was planned anew: what clients push is not known for certain any more",
    );
    expect(stdout).toMatch(/^deleted: [1-9]/m);
    for (const image of [current, pushed, more]) await client.expectComplete(image);
  });

  it("goes on when all workers are replaced", { timeout: 120_000 }, async () => {
    const { result } = await startSlowly();
    const pushed = await pushAgain("again");
    const restarted = await runRegistryCtl(words("restart"));
    expect(restarted.exitCode, restarted.stderr).toBe(0);
    const { stderr, exitCode } = await result;

    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toContain("planned anew");
    client.close();
    client = new RegistryHttp(server.url);
    for (const image of [current, pushed]) await client.expectComplete(image);
  });
});

describe("a server after one that was killed", () => {
  it("begins when the last process of that one has ended, and ends it if it hangs", {
    timeout: 120_000,
  }, async () => {
    const { result } = await startSlowly();
    const [hanging = 0] = await workers();
    process.kill(hanging, "SIGSTOP");
    process.kill(server.pid, "SIGKILL");
    await result;
    const port = Number(server.address.split(":")[1]);
    client.close();
    server = await start(port);
    client = new RegistryHttp(server.url);

    // Whoever has to ask how it ended may not have done so yet.
    expect(await readFile(`/proc/${hanging}/stat`, "utf8").catch(() => "")).toMatch(/^$|\) Z /);
    const pushed = await pushAgain("again");
    const next = await runRegistryCtl(words("garbage-collect", "-m", "--grace", "0"));
    expect(next.exitCode, next.stderr).toBe(0);
    for (const image of [current, pushed]) await client.expectComplete(image);
  });
});
