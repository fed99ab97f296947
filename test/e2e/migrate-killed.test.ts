import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushBlob, pushImage } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { listStore } from "../support/store-files.ts";

vi.setConfig({ testTimeout: 300_000 });

const READ_ONLY = "storage:\n  maintenance:\n    readonly:\n      enabled: true\n";

function registryFiles(folder: string): string[] {
  return [...listStore(folder).files].filter((name) => name.startsWith("/docker/registry/v2/")).sort();
}

function cutover({ folder, options, configPath }: MigrationWorld): string[] {
  const target = ["--to", "filesystem", "--rootdirectory", join(folder, "new")];
  return ["migrate", ...target, "--cutover", "--yes", ...options, configPath];
}

function recordFile({ stateDir }: MigrationWorld, { id }: Record<string, unknown>): string {
  return join(stateDir, "migrations", String(id), "migration.json");
}

/** The record of a move whose change of the registry was left half done at a time. */
function halfDone(record: Record<string, unknown>, at: Date): Record<string, unknown> {
  const time = at.toISOString();
  return {
    ...{ ...record, phase: "switching" },
    switching: { to: "target", startedAt: time, leftAt: time, takenAt: time, wasReadOnly: false },
  };
}

/** Pushes an image to the old store while no registry runs. */
async function pushLate({ tree }: MigrationWorld, repository: string): Promise<void> {
  await tree.repository(repository).image(repository, ["layer 0"], { tag: "v1" });
}

/** Waits until the record of the move is in a phase, or looks as wanted. */
async function until(
  world: MigrationWorld,
  isThere: (record: Record<string, unknown>) => boolean,
): Promise<void> {
  for (let looks = 0; looks < 3000; looks++) {
    const record = await world.record().catch(() => undefined);
    if (record !== undefined && isThere(record)) return;
    await sleep(5);
  }
  throw new Error(`never came to that: ${JSON.stringify(await world.record())}`);
}

/** The registry takes writes again: a watchdog may need a moment. */
async function untilWritable({ url }: MigrationWorld): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const answer = await fetch(`${url}/v2/team/probe/blobs/uploads/`, { method: "POST" }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.status === 202) return;
    await sleep(100);
  }
  throw new Error("it takes no writes");
}

async function pulls({ url }: MigrationWorld, name: string, tag: string): Promise<boolean> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const answer = await fetch(`${url}/v2/${name}/manifests/${tag}`, { headers: { accept } });
  await answer.body?.cancel();
  return answer.status === 200;
}

describe("migrate that is ended", () => {
  it("goes on where Ctrl-C has stopped it", async () => {
    const world = await makeMigrationWorld(60);
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const words = ["migrate", ...target, "--max-bandwidth", "4k", ...world.options, world.configPath];
    const first = startRegistryCtl(words);
    await until(world, ({ round }) => (round as { seenFiles?: number } | undefined)?.seenFiles !== undefined);
    first.child.kill("SIGINT");
    const stopped = await first.result;
    expect(stopped.exitCode).toBe(130);
    expect(stopped.stderr).toContain("the same command goes on where it was");
    expect(await world.record()).toMatchObject({ phase: "copying" });
    const { stdout, exitCode } = await world.run("migrate", ...target, "--json");
    expect(exitCode).toBe(0);
    const report = JSON.parse(stdout);
    expect(report.rounds[0].resumed).toBe(true);
    expect(registryFiles(join(world.folder, "new"))).toEqual(registryFiles(world.store));
  });

  it.each(["copying", "cutting-over", "verified", "switching", "switched"])(
    "is completed by the same command when it was killed while %s, and nothing that was pushed is lost",
    async (phase) => {
      const world = await makeMigrationWorld(60);
      await world.start();
      const running = startRegistryCtl(cutover(world));
      await until(world, (record) => record["phase"] === phase);
      running.child.kill("SIGKILL");
      await running.result;
      const { switching } = await world.record();
      if (switching === undefined) {
        await untilWritable(world);
        await pushImage(world.url, "team/meanwhile", "meanwhile", "v1");
      } else {
        const status = await world.run("status");
        expect(status.stdout).toContain("migrate finish");
        expect(status.stdout).toContain("left half done");
      }
      const finished = await runRegistryCtl([...cutover(world), "--json"], { env: world.env });
      expect(finished.stderr).not.toContain("error:");
      expect(finished.exitCode).toBe(0);
      expect(JSON.parse(finished.stdout).outcome).toBe("switched");
      expect(await world.record()).toMatchObject({ phase: "finished" });
      expect(await world.duties()).toEqual([]);
      expect(await readFile(world.configPath, "utf8")).toContain(
        `rootdirectory: ${join(world.folder, "new")}`,
      );
      expect(await pulls(world, "team/app0", "v0")).toBe(true);
      if (switching === undefined) expect(await pulls(world, "team/meanwhile", "v1")).toBe(true);
      await pushBlob(world.url, "team/writable", "again");
    },
  );

  it("lets the registry write again when Ctrl-C stops it while the registry is held", async () => {
    const world = await makeMigrationWorld(30);
    await world.start();
    const running = startRegistryCtl(cutover(world));
    await until(world, ({ phase }) => phase === "cutting-over");
    running.child.kill("SIGINT");
    const { exitCode, stderr } = await running.result;
    expect(stderr).toContain("the same command goes on where it was");
    expect(exitCode).toBe(130);
    expect(await world.duties()).toEqual([]);
    expect(await readFile(world.configPath, "utf8")).toContain(world.store);
    await pushBlob(world.url, "team/writable", "again");
  });

  it("goes back to the old store first where that has got pushes since the configuration names the new one", async () => {
    const world = await makeMigrationWorld(6);
    await world.start();
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    expect((await world.run("migrate", ...target)).exitCode).toBe(0);
    // As when the command was killed between both steps, and somebody has ended the read-only state by hand.
    const original = await readFile(world.configPath, "utf8");
    await writeFile(world.configPath, original.replace(world.store, join(world.folder, "new")));
    const record = await world.record();
    await writeFile(recordFile(world, record), JSON.stringify(halfDone(record, new Date())));
    await pushImage(world.url, "team/late", "late", "v1");
    const { stderr, stdout, exitCode } = await world.run("migrate", "finish", "--yes", "--json");
    expect(stderr).toContain("it goes back to that first");
    expect(stderr).not.toContain("error:");
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout).outcome).toBe("switched");
    expect(await pulls(world, "team/late", "v1")).toBe(true);
    expect(registryFiles(join(world.folder, "new"))).toEqual(registryFiles(world.store));
  });

  it("goes back to the old store first where that has got pushes, and the registry was started at the new one since", async () => {
    const world = await makeMigrationWorld(6);
    await world.start();
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    expect((await world.run("migrate", ...target)).exitCode).toBe(0);
    const record = await world.record();
    await writeFile(recordFile(world, record), JSON.stringify(halfDone(record, new Date())));
    await pushImage(world.url, "team/late", "late", "v1");
    expect((await world.run("stop")).exitCode).toBe(0);
    const original = await readFile(world.configPath, "utf8");
    const tried = original.replace(world.store, join(world.folder, "new")).replace("storage:\n", READ_ONLY);
    await writeFile(world.configPath, tried);
    await world.start();
    expect(await pulls(world, "team/late", "v1")).toBe(false);
    const { stderr, stdout, exitCode } = await world.run("migrate", "finish", "--yes", "--json");
    expect(stderr).toContain("it goes back to that first");
    expect(stderr).toContain("team/late@sha256:");
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout).outcome).toBe("switched");
    expect(await pulls(world, "team/late", "v1")).toBe(true);
    expect(await pulls(world, "team/app0", "v0")).toBe(true);
    await pushBlob(world.url, "team/writable", "again");
  });

  it("removes nothing that was pushed to the new store after somebody has named the old one again", async () => {
    const world = await makeMigrationWorld(6);
    await world.start();
    const original = await readFile(world.configPath, "utf8");
    expect((await runRegistryCtl(cutover(world), { env: world.env })).exitCode).toBe(0);
    await pushImage(world.url, "team/late", "late", "v1");
    const record = await world.record();
    // Killed after the registry took writes, before that was written down.
    const at = new Date(Date.parse(String(record["switchedAt"])));
    const half = { ...halfDone(record, at), phase: "switched" };
    await writeFile(recordFile(world, record), JSON.stringify(half));
    await world.run("stop");
    const now = await readFile(world.configPath, "utf8");
    await writeFile(world.configPath, original);
    const before = registryFiles(join(world.folder, "new"));
    const refused = await runRegistryCtl(cutover(world), { env: world.env });
    expect([refused.exitCode, refused.stderr]).toEqual([12, expect.stringContaining("team/late@sha256:")]);
    await pushLate(world, "team/both");
    const both = await world.run("migrate", "finish", "--yes");
    expect([both.exitCode, both.stderr]).toEqual([
      12,
      expect.stringContaining("both stores have got pushes"),
    ]);
    expect(registryFiles(join(world.folder, "new"))).toEqual(before);
    await rm(join(world.store, "docker/registry/v2/repositories/team/both"), { recursive: true });
    await writeFile(world.configPath, now);
    expect((await world.run("migrate", "finish", "--yes")).exitCode).toBe(0);
    await world.start();
    expect(await pulls(world, "team/late", "v1")).toBe(true);
  });

  it("does not copy once more over a store that is used, when somebody has named the old one again", async () => {
    const world = await makeMigrationWorld(3);
    const original = await readFile(world.configPath, "utf8");
    expect((await runRegistryCtl(cutover(world), { env: world.env })).exitCode).toBe(0);
    await rm(join(world.folder, "new/docker/registry/lockfiles"), { recursive: true });
    await writeFile(world.configPath, original);
    const refused = await runRegistryCtl(cutover(world), { env: world.env });
    expect([refused.exitCode, refused.stderr]).toEqual([12, expect.stringContaining("was finished at")]);
    const back = await world.run("migrate", "rollback", "--yes");
    expect([back.exitCode, back.stderr]).toEqual([
      12,
      expect.stringContaining("name that in the configuration"),
    ]);
  });

  it.each(["copying back", "changing", "changed"])(
    "goes back all the same when rollback was killed while %s",
    async (when) => {
      const world = await makeMigrationWorld(30);
      await world.start();
      expect((await runRegistryCtl(cutover(world), { env: world.env })).exitCode).toBe(0);
      await pushImage(world.url, "team/after", "after", "v1");
      const rollback = ["migrate", "rollback", "--yes", ...world.options, world.configPath];
      const running = startRegistryCtl(rollback);
      await until(
        world,
        ({ phase, switching }) =>
          phase === "rolling-back" && (when === "copying back" || switching !== undefined),
      );
      if (when === "changed") {
        await vi.waitFor(
          async () => expect(await readFile(world.configPath, "utf8")).toContain(world.store),
          {
            ...{ timeout: 30_000, interval: 5 },
          },
        );
      }
      running.child.kill("SIGKILL");
      await running.result;
      if ((await world.record())["switching"] === undefined) await untilWritable(world);
      const done = await runRegistryCtl([...rollback, "--json"], { env: world.env });
      expect(done.stderr).not.toContain("error:");
      expect(done.exitCode).toBe(0);
      expect(JSON.parse(done.stdout).outcome).toBe("rolled back");
      expect(await world.duties()).toEqual([]);
      expect(await readFile(world.configPath, "utf8")).toContain(`rootdirectory: ${world.store}\n`);
      expect(await pulls(world, "team/after", "v1")).toBe(true);
      await pushBlob(world.url, "team/writable", "again");
    },
  );
});
