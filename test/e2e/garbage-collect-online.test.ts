import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeAsRoot } from "../support/programs.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, type ServeProcess, startServe } from "../support/serve-process.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

let folder: string;
let rootDirectory: string;
let server: ServeProcess;
let client: RegistryHttp;
let old: PushedImage;
let current: PushedImage;

/** A server that forgets at once what clients relied on, with a tag that was moved twice. */
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-online-"));
  rootDirectory = join(folder, "registry");
  server = await start();
  client = new RegistryHttp(server.url);
  old = await client.pushImage("app", "latest", [Buffer.from("old")]);
  await client.pushImage("app", "latest", [Buffer.from("older")]);
  current = await client.pushImage("app", "latest", [Buffer.from("current")]);
  return async () => {
    client.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };
}, 120_000);

function start(port?: number): Promise<ServeProcess> {
  const options = { rootDirectory, moreConfig: "gc: {reviewafter: -1}\n" };
  return startServe(port === undefined ? options : { ...options, port });
}

function words(...more: string[]): string[] {
  const state = ["--state-dir", `${rootDirectory}.state`];
  return ["garbage-collect", ...more, ...state, server.configPath];
}

async function collect(...more: string[]): Promise<ProgramResult> {
  return runRegistryCtl(words("-m", "--grace", "0", ...more));
}

/** Starts a collection that takes some seconds, and waits until something has gone. */
async function startSlowly(...more: string[]) {
  const before = (await blobFiles()).length;
  const args = words("-m", "--grace", "0", "--max-ops", "1", ...more);
  const { child, result } = startRegistryCtl(args);
  await until(async () => (await runState()) !== undefined, "the collection has not begun");
  return { child, result, before };
}

async function runState(): Promise<{ pid: number } | undefined> {
  const { stdout } = await runRegistryCtl(["garbage-collect", "status", "--json", ...words().slice(1)]);
  return JSON.parse(stdout).run;
}

async function blobFiles(): Promise<string[]> {
  const names = await readdir(join(rootDirectory, "docker/registry/v2/blobs"), { recursive: true });
  return names.filter((name) => name.endsWith("/data"));
}

async function until(holds: () => Promise<boolean>, problem: string): Promise<void> {
  for (const endMs = Date.now() + 20_000; Date.now() < endMs; await sleep(100)) if (await holds()) return;
  throw new Error(problem);
}

describe("garbage-collect beside our running server", () => {
  it("is online by default, says so, and lets clients push and pull", { timeout: 60_000 }, async () => {
    const { stdout, stderr, exitCode } = await collect();

    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(
      /^kept: 3 blobs, [^\n]*\ndeleted: 6 blobs \([^)]*\), 2 manifests, 4 layer links, 2 tag-history links in [\d.]+ s$/,
    );
    expect(stderr).toContain(
      `mode: online: the server (process ${server.pid}) goes on taking pushes and pulls\n`,
    );
    await client.expectComplete(current);
    const again = await client.pushImage("app", "old", [Buffer.from("old")]);
    expect(again.manifestDigest).toBe(old.manifestDigest);
    await client.expectComplete(again);
    const status = await runRegistryCtl(["garbage-collect", "status", ...words().slice(1)]);
    expect(status.exitCode).toBe(3);
    expect(status.stdout).toMatch(/^last run: [^\n]* done after [^\n]*; deleted 6 blobs/m);
  });

  it("prints one document, and metrics where it may write", { timeout: 60_000 }, async () => {
    const textfile = join(folder, "gc.prom");
    const { stdout, exitCode } = await collect("--json", "--textfile", textfile);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schemaVersion: 1,
      command: "garbage-collect",
      deleted: { blobs: 6, manifests: 2 },
      failed: [],
    });
    expect(await readFile(textfile, "utf8")).toMatch(/^registry_ctl_gc_last_run_exit_code\{[^}]*\} 0$/m);
  });

  it("keeps what clients have lately relied on, and says what other modes would free", {
    timeout: 60_000,
  }, async () => {
    await server.stop();
    server = await startServe({ rootDirectory });
    client = new RegistryHttp(server.url);
    await client.expectComplete(current);
    const kept = await client.pushImage("app", "latest", [Buffer.from("a third")]);
    await client.pushImage("app", "latest", [Buffer.from("a fourth")]);

    const { stdout, stderr, exitCode } = await collect();

    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(
      /^not freed: what clients have pushed, pulled or asked for within [^\n]*--mode read-only/m,
    );
    expect(stdout).toMatch(/^for a later run: \d+ files that clients lately relied on/m);
    expect(stdout).toMatch(/^deleted: 6 blobs/m);
    const { status } = await client.send("GET", `/v2/app/manifests/${kept.manifestDigest}`, {
      headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
    });
    expect(status).toBe(200);
  });

  it("asks on a terminal with -m, and shows how far it is", { timeout: 60_000 }, async () => {
    const no = await runOnTerminal(words("-m", "--grace", "0"), { answer: "n" });
    expect([no.exitCode, (await blobFiles()).length]).toEqual([130, 9]);
    expect(no.shown).toContain("Delete what nothing needs, with manifests that no tag leads to?");

    const yes = await runOnTerminal(words("-m", "--grace", "0"), { answer: "y" });
    expect(yes.exitCode, yes.shown).toBe(0);
    expect(yes.shown).toContain("deleted: 6 blobs");
    expect(await blobFiles()).toHaveLength(3);
  });

  it("changes nothing in a dry run, and says what a real one does", { timeout: 60_000 }, async () => {
    const { stdout, stderr, exitCode } = await collect("--dry-run");

    expect([exitCode, (await blobFiles()).length]).toEqual([0, 9]);
    expect(stdout).toContain("would delete: 6 blobs");
    expect(stderr).toContain("a real run is online: the server goes on taking pushes and pulls");
    expect(stderr).not.toContain("would refuse");
  });

  it("refuses options that contradict each other, and --mode online without a server", {
    timeout: 60_000,
  }, async () => {
    const contradiction = await collect("--mode", "online", "--force");
    expect([contradiction.exitCode, contradiction.stdout]).toEqual([2, ""]);
    expect(contradiction.stderr).toContain("--force is of no use with --mode online");
    const collector = await collect("--collector");
    expect(collector.exitCode).toBe(2);
    await server.stop();
    const alone = await collect("--mode", "online");
    expect([alone.exitCode, alone.stdout]).toEqual([12, ""]);
    expect(alone.stderr).toContain("--mode online needs a registry-ctl server that runs, and none was found");
  });
});

describe("an online collection under way", () => {
  it("is stopped by Ctrl-C of its command, and another run finishes", { timeout: 90_000 }, async () => {
    const { child, result, before } = await startSlowly();
    child.kill("SIGINT");
    const { stdout, stderr, exitCode } = await result;

    expect([exitCode, stdout], stderr).toEqual([130, ""]);
    expect(stderr).toContain("asking the server's collection to stop");
    expect(stderr).toMatch(/error: stopped (?:after deleting|before anything was deleted)/);
    expect((await blobFiles()).length).toBe(before);
    expect(await runState()).toBeUndefined();
    expect((await collect()).exitCode).toBe(0);
    await client.expectComplete(current);
    expect(await blobFiles()).toHaveLength(3);
  });

  it("goes on when its command is killed, is seen by status, and ended by stop", {
    timeout: 90_000,
  }, async () => {
    const { child, result } = await startSlowly();
    child.kill("SIGKILL");
    await result;

    const status = await runRegistryCtl(["garbage-collect", "status", ...words().slice(1)]);
    expect([status.exitCode, status.stderr.includes("error")], status.stderr).toEqual([0, false]);
    expect(status.stdout).toMatch(/^state: +running$/m);
    expect(status.stdout).toContain("safe to stop");
    const stop = await runRegistryCtl(["garbage-collect", "stop", "--json", ...words().slice(1)]);
    expect(stop.exitCode, stop.stderr).toBe(0);
    expect(JSON.parse(stop.stdout)).toMatchObject({
      outcome: "stopped",
      by: "server",
      result: { outcome: "stopped" },
    });
    await client.expectComplete(current);
  });

  it("is the only one, unless a second one wants to be left out", { timeout: 90_000 }, async () => {
    const { child, result } = await startSlowly();
    const second = await collect();
    expect([second.exitCode, second.stdout]).toEqual([12, ""]);
    expect(second.stderr).toContain("this server is collecting already");
    const skipped = await collect("--skip-if-locked");
    expect(skipped.exitCode, skipped.stderr).toBe(0);
    expect(skipped.stderr).toContain("warning: nothing done: this server is collecting already");
    child.kill("SIGINT");
    await result;
  });

  it("fails when its process is killed, and another run finishes", { timeout: 90_000 }, async () => {
    const { result } = await startSlowly();
    process.kill((await runState())?.pid ?? 0, "SIGKILL");
    const { stdout, stderr, exitCode } = await result;

    expect([exitCode, stdout]).toEqual([1, ""]);
    expect(stderr).toContain("error: the collector ended too early (signal SIGKILL)");
    const pushed = await client.pushImage("app", "again", [Buffer.from("old")]);
    const next = await collect();
    expect(next.exitCode, next.stderr).toBe(0);
    await client.expectComplete(current);
    await client.expectComplete(pushed);
  });

  it("ends when the server is killed, and another server's run finishes", { timeout: 90_000 }, async () => {
    const { result } = await startSlowly();
    const pid = (await runState())?.pid ?? 0;
    const port = Number(server.address.split(":")[1]);
    await server.kill();
    const { stderr, exitCode } = await result;
    expect(exitCode).toBe(1);
    expect(stderr).toContain("error: the server ended before it had answered");
    await until(async () => !isCollector(pid), "the collector goes on without its server");

    server = await start(port);
    const next = await collect();
    expect(next.exitCode, next.stderr).toBe(0);
    await client.expectComplete(current);
    expect(await blobFiles()).toHaveLength(3);
  });

  it("ends with the server", { timeout: 90_000 }, async () => {
    const { result } = await startSlowly();
    const pid = (await runState())?.pid ?? 0;
    expect((await server.stop()).exitCode).toBe(0);
    const { stdout, exitCode } = await result;
    expect(exitCode).toBe(3);
    expect(stdout).toContain("stopped, as the server could not go on with it; left for the next run");
    expect(isCollector(pid)).toBe(false);
  });
});

describe("garbage-collect --mode read-only", () => {
  it("refuses pushes for the run and takes them afterwards", { timeout: 90_000 }, async () => {
    const { child, result } = await startSlowly("--mode", "read-only");
    expect((await client.send("POST", "/v2/app/blobs/uploads/")).status).toBe(405);
    await client.expectComplete(current);
    child.kill("SIGINT");
    const { exitCode, stderr } = await result;

    expect(exitCode, stderr).toBe(130);
    expect(stderr).toContain("mode: read-only: the server is read-only until this run has ended");
    expect((await client.send("POST", "/v2/app/blobs/uploads/")).status).toBe(202);
  });

  it("takes pushes again when the command was killed", { timeout: 90_000 }, async () => {
    const { child, result } = await startSlowly("--mode", "read-only");
    expect((await client.send("POST", "/v2/app/blobs/uploads/")).status).toBe(405);
    child.kill("SIGKILL");
    await result;
    const isBack = async () => (await client.send("POST", "/v2/app/blobs/uploads/")).status === 202;
    await until(isBack, "the server is read-only still");
    expect((await collect()).exitCode).toBe(0);
    await client.expectComplete(current);
  });
});

describeAsRoot("garbage-collect on a GitLab host", () => {
  it("is asked for by root and done by the registry's user, with metrics of root's", {
    timeout: 90_000,
  }, async () => {
    const port = await findFreePort();
    const host = makeOmnibusHost({
      ...{ addr: `127.0.0.1:${port}`, withoutAuth: true },
      env: { REGISTRY_GC_REVIEWAFTER: "-1" },
    });
    onTestFinished(() => host.remove());
    const options = [host.configFile, "--env-from", host.envFolder, "--state-dir", join(host.root, "state")];
    const runtime = { XDG_RUNTIME_DIR: host.root };
    const gitlab = await startServerProcess([process.execPath, REGISTRY_CTL_PATH, "serve", ...options], {
      port,
      env: runtime,
    });
    const pusher = new RegistryHttp(gitlab.url);
    onTestFinished(async () => {
      pusher.close();
      await gitlab.stop();
    });
    await pusher.pushImage("group/app", "latest", [Buffer.from("old")]);
    const kept = await pusher.pushImage("group/app", "latest", [Buffer.from("new")]);
    const textfile = join(host.root, "metrics", "gc.prom");
    await mkdir(join(host.root, "metrics"), { mode: 0o700 });

    const { stdout, stderr, exitCode } = await runRegistryCtl(
      ["garbage-collect", "-m", "--grace", "0", "--json", "--textfile", textfile, ...options],
      { env: runtime },
    );

    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain(`mode: online: the server (process ${gitlab.pid})`);
    const report = JSON.parse(stdout);
    expect(report.deleted).toMatchObject({ manifests: 1, blobs: 3 });
    expect((await stat(report.journal)).uid).toBe(host.ownerId);
    expect((await stat(textfile)).uid).toBe(0);
    await pusher.expectComplete(kept);
    await pusher.expectComplete(await pusher.pushImage("group/app", "old", [Buffer.from("old")]));
  });
});

function isCollector(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("garbage-collect");
  } catch {
    return false;
  }
}
