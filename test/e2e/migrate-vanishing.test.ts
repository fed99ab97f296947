import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { appendFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld, makeOld, useBucket } from "../support/migration-world.ts";
import { expectStatus, type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { listStore } from "../support/store-files.ts";

vi.setConfig({ testTimeout: 180_000 });

const LAYER_BYTES = 400_000;
/** Large files that are under way at a time. */
const LARGE_AT_ONCE = 4;

/** Bytes that stand among all blobs where their digest begins so. */
function layerBefore(digest: RegExp, name: string): Buffer {
  for (let number = 0; ; number++) {
    const bytes = Buffer.alloc(LAYER_BYTES, `${name} ${number}\n`);
    if (digest.test(createHash("sha256").update(bytes).digest("hex"))) return bytes;
  }
}

function newFolder({ folder }: MigrationWorld): string {
  return join(folder, "new");
}

/** Files of a registry below a folder of it. */
function filesIn(store: string, below = ""): string[] {
  const root = `/docker/registry/v2/${below}`;
  const isRegistrys = (path: string) => path.startsWith(root) && !path.includes("/_uploads/");
  return [...listStore(store).files].filter(isRegistrys).sort();
}

function migrateWords(world: MigrationWorld, ...more: string[]): string[] {
  const target = ["--to", "filesystem", "--rootdirectory", newFolder(world)];
  return ["migrate", ...target, "--json", ...more, ...world.options, world.configPath];
}

/** Holds a slow copy still as soon as something is at the target, has something done to the source, and lets the copy go on. */
async function changeWhileCopying(
  world: MigrationWorld,
  {
    bandwidth,
    isFarEnough,
    change,
  }: { bandwidth: string; isFarEnough: () => boolean; change: () => Promise<void> },
) {
  const running = startRegistryCtl(migrateWords(world, "--max-bandwidth", bandwidth), { env: world.env });
  let isOver = false;
  void running.result.then(() => {
    isOver = true;
  });
  while (!isFarEnough()) {
    if (isOver) throw new Error((await running.result).stderr);
    await sleep(5);
  }
  running.child.kill("SIGSTOP");
  try {
    await change();
  } finally {
    running.child.kill("SIGCONT");
  }
  return running.result;
}

async function cutOver(world: MigrationWorld, ...more: string[]): Promise<void> {
  const words = migrateWords(world, "--cutover", "--yes", ...more);
  const { exitCode, stdout, stderr } = await runRegistryCtl(words, { env: world.env });
  expect(exitCode, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ outcome: "switched", comparison: { complete: true } });
  expect(filesIn(newFolder(world))).toEqual(filesIn(world.store));
}

describe("a source of which something vanishes while it is copied", () => {
  it("is copied without what a client deleted and a collection removed, and so is the cut-over", async () => {
    // So many that what goes is less than a hundredth.
    const world = await makeMigrationWorld(60);
    await appendFile(world.configPath, "gc:\n  reviewafter: -1\n");
    await world.start();
    const client = new RegistryHttp(world.url);
    onTestFinished(() => client.close());
    const kept: PushedImage[] = [];
    for (let number = 0; number < 2 * LARGE_AT_ONCE; number++)
      kept.push(await client.pushImage("team/kept", `v${number}`, [layerBefore(/^[0-7]/, `kept ${number}`)]));
    const gone = await client.pushImage("team/kept", "gone", [layerBefore(/^f/, "gone")]);
    await makeOld(world.store);
    const { exitCode, stdout, stderr } = await changeWhileCopying(world, {
      bandwidth: "1M",
      isFarEnough: () =>
        kept.some(({ blobDigests: [, layer] }) => existsSync(blobAt(newFolder(world), layer))),
      async change() {
        const path = `/v2/team/kept/manifests/${gone.manifestDigest}`;
        expectStatus(await client.send("DELETE", path), 202);
        const collected = await world.run("garbage-collect", "-m", "--grace", "0s");
        expect(collected.exitCode, collected.stderr).toBe(0);
        expect(existsSync(blobAt(world.store, gone.blobDigests[1]))).toBe(false);
      },
    });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/\d files? gone meanwhile/);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      outcome: "copied",
      damaged: [],
      failed: [],
      comparison: { complete: true },
    });
    expect(report.rounds[0].vanished).toBeGreaterThan(0);
    expect(existsSync(blobAt(newFolder(world), gone.blobDigests[1]))).toBe(false);
    expect(filesIn(newFolder(world), "repositories")).toEqual(filesIn(world.store, "repositories"));

    await cutOver(world);
    for (const image of kept) await client.expectComplete(image);
    expectStatus(await client.send("GET", "/v2/team/kept/manifests/gone"), 404);
  });

  it("is copied without a repository that was removed as a whole behind the one that is copied", async () => {
    const world = await makeMigrationWorld(2);
    const first = world.tree.repository("a/first");
    for (let number = 0; number < 60; number++) await first.layer(`layer ${number}`);
    const last = world.tree.repository("z/last");
    for (const tag of ["v1", "v2", "v3"]) await last.image(`last ${tag}`, [`layer of ${tag}`], { tag });
    await makeOld(world.store);
    const { exitCode, stdout, stderr } = await changeWhileCopying(world, {
      bandwidth: "4k",
      isFarEnough: () => filesIn(newFolder(world), "repositories/a/first").length > 40,
      change: () => rm(join(world.store, "docker/registry/v2/repositories/z"), { recursive: true }),
    });
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(stdout);
    expect(report).toMatchObject({
      outcome: "copied",
      damaged: [],
      failed: [],
      comparison: { complete: true },
    });
    expect(report.rounds[0].vanished).toBeGreaterThan(0);
    expect(filesIn(newFolder(world), "repositories/z")).toEqual([]);
    await world.start();
    // It could as well be a disk that is not mounted any more.
    const doubtful = await runRegistryCtl(migrateWords(world, "--cutover", "--yes"), { env: world.env });
    expect([doubtful.exitCode, doubtful.stderr]).toEqual([
      12,
      expect.stringContaining("--allow-shrunk-source"),
    ]);
    await cutOver(world, "--allow-shrunk-source");
  });

  it("may be a bucket, where things go between their listing and their reading", async () => {
    const world = await makeMigrationWorld(60);
    const tree = world.tree.repository("z/last");
    await tree.image("stays", ["stays"], { tag: "stays" });
    const before = new Set(filesIn(world.store));
    const layer = await tree.layer("gone");
    await tree.image("gone", [layer], { tag: "gone" });
    const s3 = await s3ServerOfTest();
    const ofImage = filesIn(world.store).filter((path) => !before.has(path));
    await useBucket(world, s3);
    const { objects } = s3.bucket("registry");
    s3.options.faults = ({ operation, key }) => {
      if (operation === "GetObject" && key === blobAt("", layer.digest))
        for (const path of ofImage) objects.delete(path.slice(1));
      return undefined;
    };
    const run = () => runRegistryCtl(migrateWords(world, "--delete"), { env: world.env });
    const first = await run();
    expect(first.exitCode, first.stderr).toBe(0);
    const report = JSON.parse(first.stdout);
    expect(report).toMatchObject({ outcome: "copied", failed: [], comparison: { complete: true } });
    expect(report.rounds[0].vanished).toBeGreaterThan(0);
    const second = await run();
    expect(second.exitCode, second.stderr).toBe(0);
    expect(filesIn(newFolder(world))).toEqual([...before].sort());
  });
});

function blobAt(store: string, digest = ""): string {
  const hex = digest.replace("sha256:", "");
  return join(store, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
}
