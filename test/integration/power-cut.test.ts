import { randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../../src/oci/digest.ts";
import { classifyPath } from "../../src/registry/paths.ts";
import { Registry } from "../../src/registry/registry.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { type DiskState, survivors } from "../support/power-cut.ts";
import { type RecordingFs, recordingFs } from "../support/recording-fs.ts";
import { imageJson, manifestOf, pushBlob } from "../support/registry-stores.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A registry in a folder whose every change is written down. */
interface Recorded {
  registry: Registry;
  recorder: RecordingFs;
  rootDirectory: string;
  /** What each tag (`repository:tag`) was set to, in order. */
  history: Map<string, Digest[]>;
}

async function recordedRegistry(): Promise<Recorded> {
  const rootDirectory = await temporaryFolder();
  const recorder = recordingFs();
  const registry = new Registry(new FilesystemDriver({ rootDirectory, fs: recorder.fs }));
  return { registry, recorder, rootDirectory, history: new Map() };
}

/** Pushes an image as a client does, and marks its tag as acknowledged. */
async function push({ registry, recorder, history }: Recorded, name: string, tag: string, parts: string[]) {
  const repository = registry.repository(name);
  const [config, ...layers] = await Promise.all(parts.map((part) => pushBlob(repository, part)));
  const input = manifestOf(imageJson(config ?? digestOf(Buffer.from("")), layers), [tag]);
  expect([...(await repository.manifests.sizesOfReferences(input.manifest)).values()]).not.toContain(
    undefined,
  );
  const reference = `${name}:${tag}`;
  history.set(reference, [...(history.get(reference) ?? []), input.digest]);
  await repository.manifests.put(input);
  recorder.mark(`${reference}@${input.digest}`);
}

async function storeOf(state: DiskState, rootDirectory: string): Promise<MemoryDriver> {
  const driver = new MemoryDriver();
  for (const [path, content] of state.files) await driver.put(path.slice(rootDirectory.length), content);
  return driver;
}

/** Blobs whose bytes do not have their digest. */
function wrongBlobs(state: DiskState, rootDirectory: string): string[] {
  return [...state.files].flatMap(([path, content]) => {
    const entry = classifyPath(path.slice(rootDirectory.length));
    if (entry.kind !== "blob") return [];
    return digestOf(content, digestAlgorithm(entry.digest)) === entry.digest ? [] : [path];
  });
}

/** Pulls what was acknowledged, as a client does, and says what is wrong. */
async function brokenTags(state: DiskState, { rootDirectory, history }: Recorded): Promise<string[]> {
  const registry = new Registry(await storeOf(state, rootDirectory));
  const acknowledged = new Map<string, Digest>();
  for (const mark of state.marks) {
    const [reference = "", digest = ""] = mark.split("@");
    if (isDigest(digest)) acknowledged.set(reference, digest);
  }
  const broken: string[] = [];
  for (const [reference, digest] of acknowledged) {
    const [name = "", tag = ""] = reference.split(":");
    const repository = registry.repository(name);
    try {
      const found = await repository.tags.resolve(tag);
      const all = history.get(reference) ?? [];
      expect(all.slice(all.indexOf(digest))).toContain(found);
      const { manifest } = await repository.manifests.get(found);
      for (const blob of manifest.blobs) await repository.blobs.stat(blob.digest);
    } catch (error) {
      broken.push(`${reference}: ${error}`);
    }
  }
  return broken;
}

async function expectNothingLost(recorded: Recorded): Promise<void> {
  let states = 0;
  for (const state of survivors(recorded.recorder.log)) {
    states++;
    const moment = { changes: state.changes, lost: state.lost };
    expect({ ...moment, wrong: wrongBlobs(state, recorded.rootDirectory) }).toEqual({ ...moment, wrong: [] });
    expect({ ...moment, broken: await brokenTags(state, recorded) }).toEqual({ ...moment, broken: [] });
  }
  expect(states).toBeGreaterThan(100);
}

describe("after a power cut at any moment, with unsynced writes lost", () => {
  it("each acknowledged tag pulls and no blob has wrong bytes", async () => {
    const recorded = await recordedRegistry();
    await push(recorded, "a/b", "v1", ["config 1", "layer 1", ""]);
    await push(recorded, "a/b", "v1", ["config 2", "layer 1", "layer 2"]);
    await push(recorded, "other", "v1", ["config 2", "layer 2"]);
    await expectNothingLost(recorded);
  });

  it("the same holds for pushes of the same blobs at the same time", async () => {
    const recorded = await recordedRegistry();
    const tags = ["v1", "v2", "v3"];
    await Promise.all(
      tags.map((tag) => push(recorded, `project-${tag}`, tag, [`config ${tag}`, "shared layer"])),
    );
    await expectNothingLost(recorded);
  });

  it("the same holds when images were deleted and are pushed again", async () => {
    const recorded = await recordedRegistry();
    const { registry, recorder, history } = recorded;
    await push(recorded, "a", "v1", ["config", "layer"]);
    const { manifests, tags, blobs } = registry.repository("a");
    await manifests.delete(await tags.resolve("v1"));
    await blobs.unlink(digestOf(Buffer.from("layer")));
    recorder.log.splice(0, recorder.log.length, ...recorder.log.filter((change) => change.kind !== "mark"));
    history.clear();
    await push(recorded, "a", "v1", ["config", "layer"]);
    await expectNothingLost(recorded);
  });

  it("the same holds for an upload in several requests, one of which broke off", async () => {
    const recorded = await recordedRegistry();
    const { registry, recorder, history } = recorded;
    const repository = registry.repository("a");
    const bytes = randomBytes(3000);
    const { uuid } = await repository.uploads.start();
    for (const [from, to] of [
      [0, 1000],
      [1000, 1700],
      [1700, 3000],
    ] as const) {
      const upload = await repository.uploads.resume(uuid);
      const body = async function* () {
        yield bytes.subarray(from, to);
        if (to === 1700) throw new Error("connection reset");
      };
      await upload.append(body()).catch(() => {});
      await upload.close();
    }
    const { digest } = await (await repository.uploads.resume(uuid)).finish(digestOf(bytes));
    const input = manifestOf(imageJson(digest), ["v1"]);
    history.set("a:v1", [input.digest]);
    await repository.manifests.put(input);
    recorder.mark(`a:v1@${input.digest}`);
    await expectNothingLost(recorded);
  });
});
