import { readdirSync } from "node:fs";
import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { bucketTarget, type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushBlob, pushImage } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";

vi.setConfig({ testTimeout: 180_000 });

const ACCEPT = "application/vnd.oci.image.manifest.v1+json";

async function statusOfTag({ url }: MigrationWorld, name: string, tag: string): Promise<number> {
  const response = await fetch(`${url}/v2/${name}/manifests/${tag}`, { headers: { accept: ACCEPT } });
  await response.body?.cancel();
  return response.status;
}

function newFolder({ folder }: MigrationWorld): string[] {
  return ["--to", "filesystem", "--rootdirectory", join(folder, "new")];
}

describe("migrate --cutover", () => {
  it("has our running server use a bucket, and rollback brings back what was pushed since", async () => {
    const world = await makeMigrationWorld();
    const original = await readFile(world.configPath, "utf8");
    const s3 = await s3ServerOfTest();
    const { options, env } = bucketTarget(s3);
    await world.start();
    await pushImage(world.url, "team/before", "image of team/before", "v1");
    const moved = await runRegistryCtl(
      ["migrate", ...options, "--cutover", "--yes", "--json", ...world.options, world.configPath],
      { env: { ...world.env, ...env } },
    );
    expect(moved.stderr).not.toContain("error:");
    expect(moved.exitCode).toBe(0);
    const report = JSON.parse(moved.stdout);
    expect(report).toMatchObject({ outcome: "switched", comparison: { complete: true } });
    expect(report.switched.probes).toContain("an upload was begun and cancelled");
    const config = await readFile(world.configPath, "utf8");
    expect(config).toContain("bucket: registry");
    expect(config).toContain("enabled: true # keep");
    expect(config).toContain("disable: true");
    expect(config).not.toContain("readonly");
    expect(await readFile(report.switched.keptConfig, "utf8")).toBe(original);
    expect(moved.stdout + moved.stderr).not.toContain(env["REGISTRY_CTL_TARGET_SECRETKEY"]);
    expect(await world.duties()).toEqual([]);
    expect(await statusOfTag(world, "team/before", "v1")).toBe(200);
    expect(await statusOfTag(world, "team/app0", "v0")).toBe(200);
    await pushImage(world.url, "team/after", "image of team/after", "v2");
    await rm(join(world.store, "docker/registry/v2/repositories/team/before"), { recursive: true });
    const dry = await world.run("migrate", "rollback", "--dry-run");
    expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringMatching(/ files would be copied /)]);
    expect(dry.stdout).toContain(`from s3://registry back to ${world.store}`);

    await writeFile(world.configPath, `${await readFile(world.configPath, "utf8")}log:\n  level: warn\n`);
    const back = await world.run("migrate", "rollback", "--yes", "--json");
    expect(back.stderr).not.toContain("error:");
    expect(back.exitCode).toBe(0);
    expect(JSON.parse(back.stdout)).toMatchObject({ outcome: "rolled back", comparison: { complete: true } });
    const returned = await readFile(world.configPath, "utf8");
    expect(returned).toContain(`rootdirectory: ${world.store}`);
    expect(returned).toContain("level: warn");
    expect(returned).not.toContain("bucket");
    for (const [name, tag] of [
      ["team/before", "v1"],
      ["team/after", "v2"],
      ["team/app1", "v1"],
    ] as const) {
      expect(await statusOfTag(world, name, tag)).toBe(200);
    }
    expect(readdirSync(join(world.store, "docker/registry/v2/repositories/team"))).toContain("after");
    await pushBlob(world.url, "team/writable", "again");
  });

  it("leaves the registry where it was, and writable, when the stores differ", async () => {
    const world = await makeMigrationWorld();
    const original = await readFile(world.configPath, "utf8");
    await world.tree.repository("team/app0").linkLayer(digestOf(Buffer.from("nowhere")));
    await world.start();
    const { exitCode, stdout } = await world.run(
      "migrate",
      ...newFolder(world),
      "--cutover",
      "--yes",
      "--json",
    );
    expect(exitCode).toBe(4);
    expect(JSON.parse(stdout).outcome).toBe("different");
    expect(await readFile(world.configPath, "utf8")).toBe(original);
    expect(await world.duties()).toEqual([]);
    await pushBlob(world.url, "team/writable", "again");
  });

  it("needs --yes without a terminal, and a file that it can change", async () => {
    const world = await makeMigrationWorld(2);
    const asked = await world.run("migrate", ...newFolder(world), "--cutover");
    expect(asked.exitCode).toBe(2);
    expect(asked.stderr).toContain("--yes");
    const finish = await world.run("migrate", "finish", "--yes");
    expect(finish.exitCode).toBe(12);
    expect(finish.stderr).toContain("no move of");
    const rollback = await world.run("migrate", "rollback", "--yes");
    expect(rollback.exitCode).toBe(12);
  });

  it("forgets the keys of both stores when it is told to, but not in the middle of a change", async () => {
    const world = await makeMigrationWorld(2);
    const forget = () => world.run("migrate", "forget", "--yes");
    expect((await forget()).stdout).toContain("no move of this registry");
    expect((await world.run("migrate", ...newFolder(world), "--cutover", "--yes")).exitCode).toBe(0);
    const record = await world.record();
    const file = join(world.stateDir, "migrations", String(record["id"]), "migration.json");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await writeFile(
      file,
      JSON.stringify({ ...record, switching: { to: "target", startedAt: record["startedAt"] } }),
    );
    const refused = await forget();
    expect([refused.exitCode, refused.stderr]).toEqual([12, expect.stringContaining("migrate finish")]);
    await writeFile(file, JSON.stringify(record));
    expect((await world.run("migrate", "forget")).exitCode).toBe(2);
    const forgotten = await forget();
    expect([forgotten.exitCode, forgotten.stdout]).toEqual([
      0,
      expect.stringContaining(
        `the old configuration stays, with the keys that are in it: ${record["keptConfig"]}`,
      ),
    ]);
    expect(readdirSync(join(world.stateDir, "migrations"))).toEqual([]);
    expect((await world.run("migrate", "rollback", "--yes")).exitCode).toBe(12);
  });

  it("does not copy over a store to which another server lets clients push", async () => {
    const [world, other] = [await makeMigrationWorld(2), await makeMigrationWorld(1)];
    await other.start();
    await pushImage(other.url, "team/theirs", "theirs", "v1");
    const target = ["--to", "filesystem", "--rootdirectory", other.store, "--confirm-target", "old"];
    const refused = await world.run("migrate", ...target, "--cutover", "--yes");
    expect([refused.exitCode, refused.stderr]).toEqual([
      12,
      expect.stringContaining("a server that takes writes works on the target already"),
    ]);
    expect(await statusOfTag(other, "team/theirs", "v1")).toBe(200);
    expect((await other.run("readonly", "on")).exitCode).toBe(0);
    const asked = await world.run("migrate", ...target, "--yes");
    expect(asked.stderr).not.toContain("works on the target already");
  });

  it("is finished later, for a registry that does not run", async () => {
    const world = await makeMigrationWorld();
    expect((await world.run("migrate", ...newFolder(world))).exitCode).toBe(0);
    const { exitCode, stdout } = await world.run("migrate", "finish", "--yes", "--json");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).switched.probes).toEqual(["the registry does not run: nothing was asked"]);
    await world.start();
    expect(await statusOfTag(world, "team/app0", "v0")).toBe(200);
    const again = await world.run("migrate", "finish", "--yes");
    expect(again.exitCode).toBe(12);
    expect(again.stderr).toContain("finished already");
  });

  it("lists what would be lost where the old store is gone, and goes back without it only when told so", async () => {
    const world = await makeMigrationWorld();
    await world.start();
    expect((await world.run("migrate", ...newFolder(world), "--cutover", "--yes")).exitCode).toBe(0);
    await pushImage(world.url, "team/after", "image of team/after", "v2");
    await rm(join(world.store, "docker/registry/lockfiles"), { recursive: true });
    const refused = await world.run("migrate", "rollback", "--yes");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain("team/after:v2");
    const dry = await world.run("migrate", "rollback", "--dry-run");
    expect(dry.exitCode).toBe(0);
    expect(dry.stdout).toContain("team/after:v2");
    const done = await world.run("migrate", "rollback", "--discard-new-pushes", "--yes", "--json");
    expect(done.stderr).toContain("team/after:v2");
    expect(done.exitCode).toBe(0);
    expect(await statusOfTag(world, "team/after", "v2")).toBe(404);
    expect(await statusOfTag(world, "team/app0", "v0")).toBe(200);
  });
});
