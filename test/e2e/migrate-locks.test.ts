import { readFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { currentHolder } from "../../src/process/machine/host-identity.ts";
import { acquireStoreLock, STORE_LOCK_PATH } from "../../src/state/store-lock.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushBlob } from "../support/push-image.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

vi.setConfig({ testTimeout: 120_000 });

function toNewFolder({ folder }: MigrationWorld): string[] {
  return ["migrate", "--to", "filesystem", "--rootdirectory", join(folder, "new")];
}

/** As a collection holds it. */
function lock(rootDirectory: string) {
  return acquireStoreLock(new FilesystemDriver({ rootDirectory }), currentHolder(), Date.now);
}

describe("migrate and other commands on the same stores", () => {
  it("does not make a registry read-only whose garbage is being collected", async () => {
    const world = await makeMigrationWorld();
    await world.start();
    const original = await readFile(world.configPath, "utf8");
    const held = await lock(world.store);
    const { exitCode, stderr } = await world.run(...toNewFolder(world), "--cutover", "--yes");
    expect(exitCode).toBe(12);
    expect(stderr).toContain(`process ${process.pid} on ${hostname()} has been working on this store`);
    expect(await world.duties()).toEqual([]);
    expect(await readFile(world.configPath, "utf8")).toBe(original);
    await pushBlob(world.url, "team/writable", "again");
    await held.release();
    const done = await world.run(...toNewFolder(world), "--cutover", "--yes");
    expect(done.exitCode, done.stderr).toBe(0);
    for (const folder of ["old", "new"]) {
      await expect(readFile(join(world.folder, folder, STORE_LOCK_PATH))).rejects.toThrow("ENOENT");
    }
  });

  it("keeps collections from both stores while the registry is held, and another run from the target before", async () => {
    const world = await makeMigrationWorld(60);
    await world.start();
    const words = [...toNewFolder(world), "--cutover", "--yes", ...world.options, world.configPath];
    const running = startRegistryCtl(words);
    const isLocked = (folder: string) =>
      readFile(join(world.folder, folder, STORE_LOCK_PATH)).then(
        () => true,
        () => false,
      );
    while (!(await isLocked("new"))) await sleep(2);
    await expect(lock(join(world.folder, "new"))).rejects.toThrow("has been working on this store");
    while (!(await isLocked("old"))) await sleep(2);
    running.child.kill("SIGSTOP");
    try {
      const collected = await world.run("garbage-collect");
      expect(collected.exitCode).toBe(12);
      expect(collected.stderr).toContain("has been working on this store");
      const second = await world.run(...toNewFolder(world), "--cutover", "--yes");
      expect(second.exitCode).toBe(12);
    } finally {
      running.child.kill("SIGCONT");
    }
    const { exitCode, stderr } = await running.result;
    expect(exitCode, stderr).toBe(0);
    await pushBlob(world.url, "team/writable", "again");
    expect(await world.duties()).toEqual([]);
  });

  it("lets one of two runs that begin at the same moment work", async () => {
    const world = await makeMigrationWorld(60);
    const words = [...toNewFolder(world), "--max-bandwidth", "10k", ...world.options, world.configPath];
    const runs = [startRegistryCtl(words), startRegistryCtl(words)];
    const results = await Promise.all(runs.map(({ result }) => result));
    expect(
      results.map(({ exitCode }) => exitCode).sort((left, right) => Number(left) - Number(right)),
    ).toEqual([0, 12]);
  });
});
