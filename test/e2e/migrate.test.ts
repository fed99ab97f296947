import { chownSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { bucketTarget, makeMigrationWorld } from "../support/migration-world.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import { listStore } from "../support/store-files.ts";

vi.setConfig({ testTimeout: 120_000 });

/** What of a store a registry reads. */
function registryFiles(folder: string): string[] {
  return [...listStore(folder).files].filter((name) => name.startsWith("/docker/registry/v2/")).sort();
}

describe("migrate", () => {
  it("copies a folder, compares both, and goes on another day", async () => {
    const world = await makeMigrationWorld();
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const first = await world.run("migrate", ...target, "--json");
    expect(first.stderr).not.toContain("error:");
    expect(first.exitCode).toBe(0);
    const report = JSON.parse(first.stdout);
    expect(report).toMatchObject({
      command: "migrate",
      outcome: "copied",
      comparison: { differenceCount: 0 },
    });
    expect(registryFiles(join(world.folder, "new"))).toEqual(registryFiles(world.store));
    expect(statSync(join(world.stateDir, "migrations", report.id, "migration.json")).mode & 0o777).toBe(
      0o600,
    );
    const [file = ""] = registryFiles(world.store);
    expect(statSync(join(world.folder, "new", file)).mtimeMs).toBe(statSync(join(world.store, file)).mtimeMs);

    await world.tree.repository("team/late").image("late", ["late layer"], { tag: "v1" });
    const second = await world.run("migrate", ...target, "--json");
    expect(second.exitCode).toBe(0);
    expect(registryFiles(join(world.folder, "new"))).toEqual(registryFiles(world.store));
    const status = await world.run("migrate", "status");
    expect(status.stdout).toContain("copied");
    expect(status.stdout).toContain("migrate finish");
  });

  it("copies to a bucket and back, and shows no secret", async () => {
    const world = await makeMigrationWorld();
    const s3 = await s3ServerOfTest();
    const { options, env } = bucketTarget(s3);
    const copied = await runRegistryCtl(
      ["migrate", ...options, "--json", ...world.options, world.configPath],
      {
        env: { ...world.env, ...env },
      },
    );
    expect(copied.stderr).not.toContain("error:");
    expect(copied.exitCode).toBe(0);
    const keys = [...s3.objects("registry").keys()].filter((key) => key.startsWith("docker/registry/v2/"));
    expect(keys.sort().map((key) => `/${key}`)).toEqual(registryFiles(world.store));
    expect(copied.stdout + copied.stderr).not.toContain(env["REGISTRY_CTL_TARGET_SECRETKEY"]);
    expect(await readFile(join(world.stateDir, "journal.jsonl"), "utf8")).not.toContain(
      env["REGISTRY_CTL_TARGET_SECRETKEY"],
    );

    const back = join(world.folder, "back.yml");
    const record = await world.record();
    const { section } = record["target"] as { section: string };
    writeFileSync(back, `version: 0.1\n${section}http:\n  addr: 127.0.0.1:1\n`);
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "third")];
    const returned = await runRegistryCtl(["migrate", ...target, "--json", ...world.options, back], {
      env: world.env,
    });
    expect(returned.stderr).not.toContain("error:");
    expect(returned.exitCode).toBe(0);
    expect(registryFiles(join(world.folder, "third"))).toEqual(registryFiles(world.store));
  });

  it("stops where the source is not mounted any more, and removes nothing", async () => {
    const world = await makeMigrationWorld();
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    expect((await world.run("migrate", ...target)).exitCode).toBe(0);
    const before = registryFiles(join(world.folder, "new"));
    rmSync(join(world.store, "docker"), { recursive: true });
    const gone = await world.run("migrate", ...target, "--delete");
    expect(gone.exitCode).toBe(12);
    expect(gone.stderr).toContain("check that it is mounted");
    // Nothing that the target lacks: whether that is copied at once depends on how old it is by then.
    await world.tree.repository("team/app0").image("image 0", ["layer 0", "own layer 0"], { tag: "v0" });
    const shrunk = await world.run("migrate", ...target, "--delete");
    expect(shrunk.exitCode).toBe(12);
    expect(shrunk.stderr).toContain("--allow-shrunk-source");
    expect(registryFiles(join(world.folder, "new"))).toEqual(before);
  });

  it("refuses a source and a target that stand the wrong way round, and a store under two names", async () => {
    const world = await makeMigrationWorld();
    const other = await makeMigrationWorld(3);
    const swapped = await other.run("migrate", "--to", "filesystem", "--rootdirectory", world.store);
    expect(swapped.exitCode).toBe(12);
    expect(swapped.stderr).toContain("the wrong way round");
    const same = await world.run("migrate", "--to", "filesystem", "--rootdirectory", `${world.store}/../old`);
    expect(same.exitCode).toBe(2);
    expect(same.stderr).toContain("the store that the registry has already");
  });

  it("asks for the name of a target that it has not written, also without a terminal", async () => {
    const world = await makeMigrationWorld();
    const other = await makeMigrationWorld(3);
    const target = ["migrate", "--to", "filesystem", "--rootdirectory", other.store, "--delete"];
    const refused = await world.run(...target);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--confirm-target old");
    expect((await world.run(...target, "--confirm-target", "new")).exitCode).toBe(2);
    const before = registryFiles(other.store);
    const done = await world.run(...target, "--confirm-target", "old");
    expect(done.exitCode).toBe(0);
    expect(registryFiles(other.store)).toEqual(registryFiles(world.store));
    expect(registryFiles(other.store)).not.toEqual(before);
  });

  it("names what a bucket does not permit", async () => {
    const world = await makeMigrationWorld(2);
    const s3 = await s3ServerOfTest();
    const { options, env } = bucketTarget(s3);
    const denied = await runRegistryCtl(["migrate", ...options, ...world.options, world.configPath], {
      env: { ...world.env, ...env, REGISTRY_CTL_TARGET_SECRETKEY: "wrong" },
    });
    expect(denied.exitCode).toBe(11);
    expect(denied.stderr).toContain("it is not possible to write in s3://registry");
    expect(readdirSync(world.folder)).not.toContain("migrations");
  });

  it("says what went wrong at the target in the middle, and goes on from there when that is mended", async () => {
    const world = await makeMigrationWorld(40);
    let puts = 0;
    let isMended = false;
    const s3 = await s3ServerOfTest({
      faults: ({ key }) =>
        key.startsWith("docker/registry/v2/") && !isMended && ++puts > 20 ? "internal-error" : undefined,
    });
    const { options, env } = bucketTarget(s3);
    const words = [
      "migrate",
      ...options,
      "--set",
      "maxretries=0",
      "--json",
      ...world.options,
      world.configPath,
    ];
    const run = () => runRegistryCtl(words, { env: { ...world.env, ...env } });
    const broken = await run();
    expect([3, 11]).toContain(broken.exitCode);
    isMended = true;
    const mended = await run();
    expect(mended.exitCode).toBe(0);
    expect(JSON.parse(mended.stdout)).toMatchObject({ outcome: "copied", comparison: { complete: true } });
  });

  it.runIf(process.getuid?.() === 0)(
    "tells root that the registry's user could not write to the target",
    async () => {
      const world = await makeMigrationWorld(1);
      chownSync(world.store, 54_321, 54_321);
      const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
      const { stderr, exitCode } = await world.run("migrate", ...target);
      expect(stderr).toContain("will belong to user 0, and the registry's files to user 54321");
      expect(exitCode).toBe(0);
    },
  );

  it("names a damaged blob, copies the rest, and does not copy it", async () => {
    const world = await makeMigrationWorld();
    const [blob = ""] = registryFiles(world.store).filter((name) => name.includes("/blobs/"));
    const { mtime } = statSync(join(world.store, blob));
    writeFileSync(join(world.store, blob), "damaged");
    const { utimesSync } = await import("node:fs");
    utimesSync(join(world.store, blob), mtime, mtime);
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const { stdout, exitCode } = await world.run("migrate", ...target, "--json");
    expect(exitCode).toBe(4);
    const report = JSON.parse(stdout);
    expect(report.outcome).toBe("incomplete");
    expect(report.damaged).toHaveLength(1);
    expect(report.damaged[0].path).toBe(blob);
    expect(registryFiles(join(world.folder, "new"))).not.toContain(blob);
  });
});
