import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Digest, isDigest, parseDigest } from "../../../src/oci/digest.ts";
import { ProtectedImages, parseProtected } from "../../../src/operations/tags/protected.ts";
import { type FreePlan, type FreeStep, planToFree } from "../../../src/operations/usage/free/free-plan.ts";
import { protectionOf } from "../../../src/operations/usage/free/protected-targets.ts";
import { readUsage } from "../../../src/operations/usage/read-usage.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  REPOSITORIES_ROOT,
  tagCurrentLinkPath,
  uploadDataPath,
  uploadStartedAtPath,
} from "../../../src/registry/paths.ts";
import { purgeUploads } from "../../../src/registry/uploads/purge-uploads.ts";
import { AgedMemoryDriver } from "../../support/aged-memory-driver.ts";
import { collect } from "../../support/collect.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

const DAY_MS = 86_400_000;
const YOUNG_MS = 1_800_000;
const UPLOADS_AGE_MS = 7 * DAY_MS;
const CURRENT_LINK = /^\/docker\/registry\/v2\/repositories\/(.+)\/_manifests\/tags\/([^/]+)\/current\/link$/;

interface Tag {
  repository: string;
  tag: string;
  digest: Digest;
}

interface Protection {
  images: ProtectedImages;
  tags: readonly Tag[];
  digests: readonly Digest[];
}

/** A small registry in memory, and what is to be done with it. */
class World {
  readonly driver = new AgedMemoryDriver();
  readonly tree = new RegistryTree(this.driver);
  readonly #nowMs = Date.now();
  readonly #graceMs: number;

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  async bytesBelow(folder: string, name: string): Promise<number> {
    let bytes = 0;
    for (const path of await this.tree.files(folder)) {
      if (path.includes(name)) bytes += (await this.driver.stat(path)).sizeBytes;
    }
    return bytes;
  }

  blobBytes(): Promise<number> {
    return this.bytesBelow(BLOBS_ROOT, "/data");
  }

  uploadBytes(): Promise<number> {
    return this.bytesBelow(REPOSITORIES_ROOT, "/_uploads/");
  }

  /** Those that can be read. */
  async tags(): Promise<Tag[]> {
    const tags: Tag[] = [];
    for (const path of await this.tree.files(REPOSITORIES_ROOT)) {
      const [, repository, tag] = CURRENT_LINK.exec(path) ?? [];
      if (repository === undefined || tag === undefined) continue;
      const digest = Buffer.from(await this.driver.get(path)).toString();
      if (isDigest(digest)) tags.push({ repository, tag, digest });
    }
    return tags;
  }

  /** @returns what cannot be pulled of tags, each with what is missing */
  async missing(tags: readonly Tag[]): Promise<string[]> {
    const missing: string[] = [];
    for (const { repository, tag, digest } of tags) {
      const own = await this.tree
        .repository(repository)
        .missingFor(digest)
        .catch(() => ["something that can be understood"]);
      missing.push(...own.map((what) => `${repository}:${tag} lacks ${what}`));
    }
    return missing;
  }

  /** Gives tags their names, everything an age, begins uploads, and breaks things. */
  async prepare({ latest, ages, uploads, young, damages }: Wish): Promise<void> {
    for (const [index, { repository, tag, digest }] of choose(await this.tags(), latest).entries()) {
      await this.tree.repository(repository).tag("latest", digest);
      if (index === 0 && tag !== "latest") await this.tree.repository(repository).untag(tag);
    }
    const files = await this.tree.files();
    for (const path of files) this.driver.times.set(path, this.#nowMs - DAY_MS);
    for (const [index, { repository, tag }] of (await this.tags()).entries()) {
      const days = ages[index % ages.length] ?? 0;
      this.driver.times.set(tagCurrentLinkPath(repository, tag), this.#nowMs - days * DAY_MS);
    }
    // The link of a tag is written behind that of its history, which is never younger therefore.
    const maybeYoung = files.filter((path) => !path.includes("/index/"));
    for (const path of choose(maybeYoung, young)) this.driver.times.set(path, this.#nowMs - YOUNG_MS);
    for (const { kind, pick } of damages) {
      const what = kind === "tag" ? "/current/link" : "/blobs/";
      const [path] = choose(
        files.filter((each) => each.includes(what)),
        [pick],
      );
      if (path === undefined || !(await this.tree.has(path))) continue;
      if (kind === "missing") await this.driver.delete(path);
      else await this.driver.put(path, Buffer.from("{"));
      this.driver.times.set(path, this.#nowMs - DAY_MS);
    }
    for (const [index, size] of uploads.entries()) {
      const uuid = `0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a9${index}`;
      await this.tree.repository("zz").upload(uuid, "u".repeat(size));
      if (index === 0) continue;
      const paths = [uploadDataPath("zz", uuid), uploadStartedAtPath("zz", uuid)];
      for (const path of paths) this.driver.times.set(path, this.#nowMs - UPLOADS_AGE_MS - 1);
    }
  }

  /** @returns what is protected: tags by name, and anything else by its digest */
  async protect({ protectedTags, protectedBlobs }: Wish): Promise<Protection> {
    const tags = choose(await this.tags(), protectedTags);
    const paths = (await this.tree.files(BLOBS_ROOT)).filter((path) => path.endsWith("/data"));
    const digests = choose(paths, protectedBlobs).map((path) =>
      parseDigest(`sha256:${path.split("/").at(-2)}`),
    );
    const texts = [...tags.map(({ repository, tag }) => `${repository}:${tag}`), ...digests];
    const images = new ProtectedImages(texts.flatMap((text) => parseProtected(text) ?? []));
    return { images, tags, digests };
  }

  async plan(wish: Wish, { images }: Protection, wantedBytes: number): Promise<FreePlan> {
    const model = await readUsage(
      { driver: this.driver, nowMs: () => this.#nowMs },
      {
        ...{
          graceMs: this.#graceMs,
          concurrency: 4,
          wantsPushes: true,
          wantsTagNeeds: true,
          wantsStanding: true,
        },
        protectedDigests: images.digests,
      },
    );
    let uploadBytes = 0;
    await this.#purge(true, (bytes) => {
      uploadBytes += bytes;
    });
    return planToFree(model, {
      wantedBytes,
      last: wish.last,
      oldBeforeMs: this.#nowMs - wish.oldDays * DAY_MS,
      keepPushedAfterMs: this.#nowMs - this.#graceMs,
      uploadBytes,
      isProtected: protectionOf(model, images),
      projectOf: (repository) => repository.split("/")[0] ?? repository,
    });
  }

  /** Does what the commands of a step do. */
  async take({ kind, tags = [] }: FreeStep, { images }: Protection): Promise<void> {
    if (kind === "uploads") return this.#purge(false, () => undefined);
    for (const each of tags) {
      for (const tag of each.tags) await this.tree.repository(each.repository).untag(tag);
    }
    await collect(
      this.driver,
      { deleteUntagged: kind !== "orphans", protectedImages: images, graceMs: this.#graceMs },
      { nowMs: () => this.#nowMs },
    );
  }

  async #purge(dryRun: boolean, onBytes: (bytes: number) => void): Promise<void> {
    await purgeUploads(this.driver, {
      dryRun,
      nowMs: this.#nowMs,
      olderThanMs: UPLOADS_AGE_MS,
      concurrency: 1,
      onPurged: ({ sizeBytes }) => onBytes(sizeBytes),
    });
  }
}

function choose<T>(items: readonly T[], numbers: readonly number[]): T[] {
  return numbers.flatMap((number) => items[number % Math.max(items.length, 1)] ?? []);
}

/** What a plan is asked for, beside the store that it is made for. */
interface Wish {
  /** Of all bytes, and a bit more than there are. */
  share: number;
  last: "tags" | "projects";
  /** How many days ago tags were set, in turn. */
  ages: number[];
  oldDays: number;
  /** Which tags are called latest instead. */
  latest: number[];
  uploads: number[];
  /** Tags, and anything else in the store, that are protected. */
  protectedTags: number[];
  protectedBlobs: number[];
  graceMs: number;
  /** Files that were written within the grace period. */
  young: number[];
  /** Blobs that are overwritten or gone, tags that lead nowhere. */
  damages: { kind: "overwritten" | "missing" | "tag"; pick: number }[];
}

const wishes: fc.Arbitrary<Wish> = fc.record({
  share: fc.double({ min: 0.01, max: 1.1, noNaN: true }),
  last: fc.constantFrom("tags", "projects"),
  ages: fc.array(fc.nat(300), { minLength: 1, maxLength: 4 }),
  oldDays: fc.constantFrom(30, 90, 1000),
  latest: fc.array(fc.nat(9), { maxLength: 2 }),
  uploads: fc.array(fc.constantFrom(1, 5, 20), { maxLength: 3 }),
  protectedTags: fc.array(fc.nat(9), { maxLength: 2 }),
  protectedBlobs: fc.array(fc.nat(40), { maxLength: 2 }),
  graceMs: fc.constantFrom(0, 2 * YOUNG_MS),
  young: fc.array(fc.nat(200), { maxLength: 4 }),
  damages: fc.constantFrom(0, 0, 1, 2).chain((count) =>
    fc.array(fc.record({ kind: fc.constantFrom("overwritten", "missing", "tag"), pick: fc.nat(60) }), {
      maxLength: count,
    }),
  ),
});

describe("usage free", () => {
  it("frees to the byte what each step says, and leaves what must stay", async () => {
    const kinds = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(pushSteps, wishes, async (pushes, wish) => {
        const world = new World(wish.graceMs);
        await buildRandomTree(world.tree, pushes);
        await world.prepare(wish);
        const protection = await world.protect(wish);
        const tagsBefore = await world.tags();
        const lacking = await world.missing(tagsBefore);
        const stored = new Set(await world.tree.files(BLOBS_ROOT));
        let [blobs, uploads] = [await world.blobBytes(), await world.uploadBytes()];
        const wantedBytes = Math.max(1, Math.round(wish.share * (blobs + uploads)));
        let plan = await world.plan(wish, protection, wantedBytes);
        expect(plan.restBytes === undefined).toBe(plan.freedBytes >= wantedBytes);
        const possible = plan.freedBytes + (plan.restBytes ?? 0);
        if (plan.restBytes !== undefined) {
          expect(possible).toBeLessThan(wantedBytes);
          // What is said to be possible is possible.
          if (possible > 0) plan = await world.plan(wish, protection, possible);
          expect(plan.freedBytes).toBe(possible);
        }
        for (const step of plan.steps) {
          kinds.set(step.kind, (kinds.get(step.kind) ?? 0) + 1);
          await world.take(step, protection);
          const left = [await world.blobBytes(), await world.uploadBytes()] as const;
          expect({ kind: step.kind, bytes: blobs - left[0] + uploads - left[1] }).toEqual({
            kind: step.kind,
            bytes: step.bytes,
          });
          [blobs, uploads] = left;
        }
        const gone = new Set(
          plan.steps.flatMap(({ tags = [] }) =>
            tags.flatMap(({ repository, tags: names }) => names.map((name) => `${repository}:${name}`)),
          ),
        );
        const left = tagsBefore.filter(({ repository, tag }) => !gone.has(`${repository}:${tag}`));
        expect(await world.tags()).toEqual(left);
        if (wish.last === "tags") expect([...gone].filter((name) => name.endsWith(":latest"))).toEqual([]);
        expect(await world.missing(left)).toEqual(
          lacking.filter((what) => !gone.has(what.split(" ")[0] ?? "")),
        );
        for (const { repository, tag } of protection.tags)
          expect(gone.has(`${repository}:${tag}`)).toBe(false);
        for (const digest of protection.digests) {
          if (stored.has(blobDataPath(digest))) expect(await world.tree.hasBlob(digest)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
    const all = ["old-tags", "orphans", "projects", "tags", "untagged", "uploads"];
    expect([...kinds.keys()].sort()).toEqual(all);
  });
});
