import { execFileSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import {
  bucketTarget,
  type MigrationWorld,
  makeMigrationWorld,
  useBucket,
} from "../support/migration-world.ts";
import { describeAsRoot } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import type { S3Server } from "../support/s3-server/s3-server.ts";

vi.setConfig({ testTimeout: 120_000 });

const SAME = "the target is the store that the registry has already";
const NESTED = "lie within each other";

/** The same server by the name of this host. */
function byName(s3: S3Server): S3Server {
  return { ...s3, endpoint: s3.endpoint.replace("127.0.0.1", "localhost") };
}

/** Runs `migrate` to a bucket, also as a dry run. */
async function migrateTo(world: MigrationWorld, s3: S3Server, rootDirectory: string) {
  const { options, env } = bucketTarget(s3);
  const root = rootDirectory === "" ? [] : ["--rootdirectory", `/${rootDirectory}`];
  const words = ["migrate", ...options, ...root, ...world.options, world.configPath];
  const run = (...more: string[]) => runRegistryCtl([...words, ...more], { env: { ...world.env, ...env } });
  return {
    done: await run("--delete", "--confirm-target", "registry"),
    dry: await run("--dry-run", "--json"),
  };
}

interface Refusal {
  /** Folder in the bucket that the registry has. */
  from: string;
  /** Folder in the bucket that it is to get. */
  to: string;
  why: string;
}

async function expectRefused(target: (s3: S3Server) => S3Server, { from, to, why }: Refusal): Promise<void> {
  const world = await makeMigrationWorld(2);
  const s3 = await s3ServerOfTest();
  await useBucket(world, s3, from);
  const before = [...s3.objects("registry").keys()].sort();
  const { done, dry } = await migrateTo(world, target(s3), to);
  expect([done.exitCode, done.stderr]).toEqual([2, expect.stringContaining(why)]);
  expect(dry.exitCode, dry.stderr).toBe(0);
  expect(JSON.parse(dry.stdout).problems.join("\n")).toContain(why);
  expect([...s3.objects("registry").keys()].sort()).toEqual(before);
  expect(existsSync(join(world.stateDir, "migrations"))).toBe(false);
}

describe("migrate within one bucket", () => {
  it.each<Refusal>([
    { from: "", to: "", why: SAME },
    { from: "images", to: "images", why: SAME },
    { from: "", to: "new", why: NESTED },
    { from: "images", to: "images/new", why: NESTED },
    { from: "images", to: "images/docker/registry/v2", why: NESTED },
    { from: "images/docker/registry/v2/old", to: "images", why: NESTED },
  ])("refuses to go from folder $from to folder $to, by whatever endpoint", async (refusal) => {
    await expectRefused((s3) => s3, refusal);
    await expectRefused(byName, refusal);
  });

  it("goes from one folder to another", async () => {
    const world = await makeMigrationWorld(2);
    const s3 = await s3ServerOfTest();
    await useBucket(world, s3, "images");
    const { done, dry } = await migrateTo(world, s3, "images-new");
    expect(done.exitCode, done.stderr).toBe(0);
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(JSON.parse(dry.stdout).problems).toEqual([]);
  });
});

describe("migrate from a folder", () => {
  it("refuses a folder in it", async () => {
    const world = await makeMigrationWorld(2);
    for (const inner of ["new", "docker/registry/v2/new"]) {
      const target = ["--to", "filesystem", "--rootdirectory", join(world.store, inner)];
      const { exitCode, stderr } = await world.run("migrate", ...target);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(NESTED)]);
    }
    expect(readdirSync(world.store)).toEqual(["docker"]);
  });
});

describeAsRoot("migrate to a mount of the source", () => {
  it("refuses the same folder, and one in it", async () => {
    const world = await makeMigrationWorld(2);
    const mounted = join(world.folder, "mounted");
    await mkdir(mounted);
    execFileSync("mount", ["--bind", world.store, mounted]);
    onTestFinished(() => void execFileSync("umount", [mounted]));
    const to = (folder: string) => world.run("migrate", "--to", "filesystem", "--rootdirectory", folder);
    const same = await to(mounted);
    expect([same.exitCode, same.stderr]).toEqual([2, expect.stringContaining(SAME)]);
    for (const inner of [join(mounted, "new"), join(mounted, "docker/new")]) {
      const { exitCode, stderr } = await to(inner);
      expect([exitCode, stderr]).toEqual([2, expect.stringContaining(NESTED)]);
    }
    expect(readdirSync(world.store)).toEqual(["docker"]);
  });
});
