import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { expect, it, vi } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest, type TestBucket } from "../support/ceph/test-bucket.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { run, skopeoCopy } from "../support/image-clients.ts";
import { makeMigrationWorld } from "../support/migration-world.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { realImages } from "../support/real-images.ts";
import { expectStatus, RegistryHttp } from "../support/registry-http.ts";
import { loadRegistry } from "../support/registry-load.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import type { ServeOptions } from "../support/serve-process.ts";

vi.setConfig({ testTimeout: 300_000 });

const ACCEPT = ["manifest.v1", "index.v1"].map((kind) => `application/vnd.oci.image.${kind}+json`).join(", ");

/** Digests by repository and tag. */
type Tags = Record<string, Record<string, string>>;

describeWithPrograms(
  ["skopeo", "umoci", "docker-registry"],
  "backup in a bucket of a registry in use",
  () => {
    describeOnEachRgw("with pushes", (version) => {
      it("is restored into a bucket and a folder, from which the Go registry gives every tag of it", async () => {
        const world = await makeMigrationWorld();
        const [backups, restored] = [await bucketOfTest(version), await bucketOfTest(version)];
        const images = await realImages();
        await world.start();
        const address = new URL(world.url).host;
        for (const name of ["threePlatforms", "single"] as const)
          await skopeoCopy(
            `oci:${images[name].layout}:v1`,
            `docker://${address}/real/${name.toLowerCase()}:v1`,
          );
        const load = loadRegistry(world.url, ["load/one", "load/two"]);
        await load.untilPushed(6);
        const before = new Map(load.acknowledged);
        const store = configOf(world.folder, "backups", backups);
        const state = ["--state-dir", world.stateDir];
        const backup = async (...words: string[]) => {
          const done = await runRegistryCtl(["backup", ...words, "--store", store, "--json", "-q", ...state]);
          expect([done.exitCode, done.stderr]).toEqual([0, ""]);
          return JSON.parse(done.stdout);
        };
        const created = await backup("create", world.configPath);
        await load.untilPushed(2);
        await load.stop();
        const tags = await tagsOfBackup(backups);
        expect(countOf(tags)).toBe(created.counts.tags);
        // What was acknowledged before it began, and not moved or deleted since, is in it as it was.
        for (const [name, image] of before) {
          if (load.acknowledged.get(name) !== image) continue;
          expect(tags[image.repository]?.[image.tag], name).toBe(image.manifestDigest);
        }

        const folder = join(world.folder, "restored");
        mkdirSync(folder);
        const place = configOf(world.folder, "restored", restored);
        for (const to of [place, folder]) {
          const { tags: counts } = await backup("restore", "--to", to);
          expect(counts).toEqual({ new: countOf(tags), same: 0, overwritten: 0, kept: 0, lacking: 0 });
        }
        const inBucket = { rootDirectory: join(world.folder, "go"), storage: storageOf(restored) };
        await expectPulled(inBucket, tags, join(world.folder, "from-bucket"));
        await expectPulled({ rootDirectory: folder }, tags, join(world.folder, "from-folder"));
      });
    });
  },
);

function storageOf(bucket: TestBucket): string {
  return bucketStorage(bucket, { more: { rootdirectory: "/" } });
}

/** @returns a file that names a bucket */
function configOf(folder: string, name: string, bucket: TestBucket): string {
  const path = join(folder, `${name}.yml`);
  writeFileSync(path, `version: 0.1\nstorage:\n${storageOf(bucket)}`, { mode: 0o600 });
  return path;
}

/** Reads the one snapshot that is in a bucket, with nothing of the program under test. */
async function tagsOfBackup({ client, name, listKeys }: TestBucket): Promise<Tags> {
  const snapshots = (await listKeys()).filter((key) => key.startsWith("backup/snapshots/"));
  expect(snapshots).toHaveLength(1);
  const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key: snapshots[0] }));
  const text = gunzipSync((await Body?.transformToByteArray()) ?? Buffer.alloc(0)).toString();
  const tags: Tags = {};
  for (const line of text.trim().split("\n")) {
    const record = JSON.parse(line);
    if (record.type === "repository")
      tags[record.name] = Object.fromEntries(record.tags.map(([tag, digest]: string[]) => [tag, digest]));
  }
  return tags;
}

function countOf(tags: Tags): number {
  return Object.values(tags).reduce((sum, each) => sum + Object.keys(each).length, 0);
}

/** The Go registry has exactly these tags, and skopeo pulls all of them with all their platforms. */
async function expectPulled(store: ServeOptions, tags: Tags, folder: string): Promise<void> {
  const go = await startGoRegistry(store);
  const client = new RegistryHttp(go.url);
  try {
    const { repositories } = JSON.parse((await client.send("GET", "/v2/_catalog?n=1000")).body.toString());
    expect(repositories.sort()).toEqual(Object.keys(tags).sort());
    for (const [repository, digests] of Object.entries(tags)) {
      const listed = expectStatus(await client.send("GET", `/v2/${repository}/tags/list`), 200);
      expect(JSON.parse(listed.body.toString()).tags.sort()).toEqual(Object.keys(digests).sort());
      for (const [tag, digest] of Object.entries(digests)) {
        const path = `/v2/${repository}/manifests/${tag}`;
        const { headers } = expectStatus(
          await client.send("GET", path, { headers: { accept: ACCEPT } }),
          200,
        );
        expect(headers["docker-content-digest"], `${repository}:${tag}`).toBe(digest);
      }
      const into = join(folder, repository);
      mkdirSync(into, { recursive: true });
      const plain = ["--src-tls-verify=false", "--all", "--src", "docker", "--dest", "dir"];
      await run("skopeo", ["sync", ...plain, `${go.address}/${repository}`, into]);
    }
  } finally {
    client.close();
    await go.stop();
  }
}
