import { execFileSync } from "node:child_process";
import { lstatSync, readlinkSync, statSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { describeAsRoot } from "../support/programs.ts";
import { pushBlob } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";

vi.setConfig({ testTimeout: 120_000 });

function cutOver(world: MigrationWorld) {
  const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
  return world.run("migrate", ...target, "--cutover", "--yes");
}

describe("a configuration that migrate changes", () => {
  it("may be a link to the real file, which stays one", async () => {
    const world = await makeMigrationWorld(2);
    const real = join(world.folder, "real");
    await mkdir(real);
    await rename(world.configPath, join(real, "config.yml"));
    await symlink("real/config.yml", world.configPath);
    await world.start();
    const { exitCode, stderr } = await cutOver(world);
    expect(exitCode, stderr).toBe(0);
    expect(lstatSync(world.configPath).isSymbolicLink()).toBe(true);
    expect(readlinkSync(world.configPath)).toBe("real/config.yml");
    expect(await readFile(join(real, "config.yml"), "utf8")).toContain(join(world.folder, "new"));
    expect((await readdir(real)).filter((name) => name.includes("before-migration"))).toHaveLength(1);
  });
});

describeAsRoot("a configuration on a mount", () => {
  it("stops a cut-over before the registry is held where it cannot be written, as a ConfigMap", async () => {
    const world = await makeMigrationWorld(2);
    const folder = join(world.folder, "config-map");
    await mkdir(folder);
    await copyFile(world.configPath, join(folder, "config.yml"));
    execFileSync("mount", ["--bind", folder, folder]);
    onTestFinished(() => void execFileSync("umount", [folder]));
    execFileSync("mount", ["-o", "remount,bind,ro", folder]);
    const config = join(folder, "config.yml");
    const run = (...words: string[]) =>
      runRegistryCtl([...words, ...world.options, config], { env: world.env });
    onTestFinished(async () => void (await run("stop")));
    expect((await run("start")).exitCode).toBe(0);
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const { exitCode, stderr } = await run("migrate", ...target, "--cutover", "--yes");
    expect(exitCode).toBe(1);
    expect(stderr).not.toContain("making the server read-only");
    expect(stderr).toContain("cannot be changed");
    expect(await world.duties()).toEqual([]);
    await pushBlob(world.url, "team/writable", "again");
  });

  it("is written in place where it is mounted by itself; the old one is kept with the record if not beside it", async () => {
    const world = await makeMigrationWorld(2);
    const folder = join(world.folder, "container");
    await mkdir(folder);
    const config = join(folder, "config.yml");
    await copyFile(world.configPath, config);
    execFileSync("mount", ["--bind", folder, folder]);
    onTestFinished(() => void execFileSync("umount", [folder]));
    execFileSync("mount", ["-o", "remount,bind,ro", folder]);
    execFileSync("mount", ["--bind", world.configPath, config]);
    onTestFinished(() => void execFileSync("umount", [config]));
    const run = (...words: string[]) =>
      runRegistryCtl([...words, ...world.options, config], { env: world.env });
    onTestFinished(async () => void (await run("stop")));
    expect((await run("start")).exitCode).toBe(0);
    const original = await readFile(config, "utf8");
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const { exitCode, stderr, stdout } = await run("migrate", ...target, "--cutover", "--yes", "--json");
    expect(exitCode, stderr).toBe(0);
    const { keptConfig } = JSON.parse(stdout).switched;
    expect(keptConfig).toContain(join(world.stateDir, "migrations"));
    expect(statSync(keptConfig).mode & 0o777).toBe(0o600);
    expect(await readFile(keptConfig, "utf8")).toBe(original);
    expect(await readFile(world.configPath, "utf8")).toContain(join(world.folder, "new"));
    expect((await run("migrate", "rollback", "--yes")).exitCode).toBe(0);
    expect(await readFile(config, "utf8")).toBe(original);
  });
});
