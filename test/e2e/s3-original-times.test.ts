import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { TimesRecorder } from "../../src/registry/copy/times-recorder.ts";
import { TIMES_FILE } from "../../src/registry/paths.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { createS3Store } from "../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../src/storage/s3/s3-driver.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type S3Server, startS3Server } from "../support/s3-server/s3-server.ts";

const BUCKET = "registry";
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const KEYS = { accessKey: "key-of-test", secretKey: "secret-of-test" };

let s3: S3Server;
let folder: string;
let driver: S3Driver;

beforeEach(async () => {
  s3 = await startS3Server(KEYS);
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-e2e-"));
  driver = new S3Driver(createS3Store(s3.settings(BUCKET, { rootDirectory: "images" })));
  const storage = bucketStorage({ name: BUCKET, endpoint: s3.endpoint, ...KEYS });
  await writeFile(join(folder, "config.yml"), `version: 0.1\nstorage:\n${storage}`);
});

afterEach(async () => {
  await s3.close();
  await rm(folder, { recursive: true });
});

/** Puts an untagged image into the bucket as a copy does. @returns its paths */
async function copyUntagged(name: string): Promise<string[]> {
  const memory = new MemoryDriver();
  await new RegistryTree(memory).repository("app").image(name, [`layer of ${name}`]);
  const paths: string[] = [];
  for await (const { path } of memory.walk("/")) {
    paths.push(path);
    s3.bucket(BUCKET).put(`images${path}`, Buffer.from(await memory.get(path)), Date.now());
  }
  return paths;
}

async function eligibleManifests(...flags: string[]): Promise<{ manifests: number; stderr: string }> {
  const config = join(folder, "config.yml");
  const args = ["garbage-collect", "-m", "--dry-run", "--json", "--state-dir", join(folder, "state")];
  const { stdout, stderr, exitCode } = await runRegistryCtl([...args, ...flags, config]);
  expect([exitCode, stderr]).toEqual([0, stderr]);
  return { manifests: JSON.parse(stdout).eligible.manifests, stderr };
}

it("a collection goes by the times that files had where they were copied from", async () => {
  await new RegistryTree(driver).repository("app").image("tagged", ["layer"], { tag: "latest" });
  const copied = {
    month: await copyUntagged("month"),
    day: await copyUntagged("day"),
    now: await copyUntagged("now"),
  };
  const recorder = new TimesRecorder(join(folder, "spool"));
  for (const path of copied.month) recorder.note(path, Date.now() - 30 * DAY_MS);
  for (const path of copied.day) recorder.note(path, Date.now() - DAY_MS);
  for (const path of copied.now) recorder.note(path, Date.now() - MINUTE_MS);
  expect(await eligibleManifests("--grace", "1h")).toMatchObject({ manifests: 0 });

  await recorder.write(driver);
  // Pushed to the bucket, and so young, whatever became of it elsewhere.
  await copyUntagged("pushed");

  expect(await eligibleManifests("--grace", "1h")).toMatchObject({ manifests: 2 });
  expect(await eligibleManifests("--grace", "0s")).toMatchObject({ manifests: 4 });
  expect(await eligibleManifests("--grace", "1h", "--untagged-for", "7d")).toMatchObject({ manifests: 1 });
  for (const path of copied.month) await driver.put(path, await driver.get(path));
  expect(await eligibleManifests("--grace", "1h", "--untagged-for", "7d")).toMatchObject({ manifests: 0 });

  await driver.put(TIMES_FILE, Buffer.from("damaged"));
  const damaged = await eligibleManifests("--grace", "1h");
  expect(damaged.manifests).toBe(0);
  expect(damaged.stderr).toMatch(/warning: .*registry-ctl\.times cannot be used/);
});
