import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { StoreTags } from "../../../src/operations/tags/store-tags.ts";
import type { RemovalOutcome, TagTarget } from "../../../src/operations/tags/tag-source.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath, tagPath } from "../../../src/registry/paths.ts";
import { Refusal } from "../../support/s3-server/reply.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { faultyServer, impatientDriver } from "./faulty-store.ts";

const BUCKET = "registry";
const NAME = "group/app";
const recorder = {
  of: () => ({ tagSet: () => {}, tagDeleted: () => {}, manifestDeleted: () => {} }),
  sync: () => {},
  close: () => {},
};
const NOTHING = { created: false, size: false, platforms: false, pushed: false };

/** Tags as pushes leave them, each with a digest of its own; every tenth was pushed twice. */
function putTags(s3: S3Server, count: number): TagTarget[] {
  const put = (path: string, text: string): void => {
    s3.bucket(BUCKET).put(path.slice(1), Buffer.from(text), Date.now());
  };
  return Array.from({ length: count }, (_, number) => {
    const name = `v${String(number).padStart(5, "0")}`;
    const digest = digestOf(Buffer.from(name));
    const older = digestOf(Buffer.from(`older ${name}`));
    for (const each of number % 10 === 0 ? [older, digest] : [digest])
      put(tagHistoryLinkPath(NAME, name, each), each);
    put(tagCurrentLinkPath(NAME, name), digest);
    return { name, digest };
  });
}

async function remove(s3: S3Server, tags: readonly TagTarget[]): Promise<RemovalOutcome[]> {
  const outcomes: RemovalOutcome[] = [];
  const source = new StoreTags(impatientDriver(s3, BUCKET), recorder);
  await source.remove(NAME, tags, { onOutcome: (outcome) => void outcomes.push(outcome) });
  return outcomes;
}

describe("tags of a bucket", () => {
  it("are known with their digests from nothing but the listing", async () => {
    const s3 = await faultyServer();
    const tags = putTags(s3, 2_500);
    s3.requests.length = 0;

    const source = new StoreTags(impatientDriver(s3, BUCKET), recorder);
    const names = await source.names(NAME);
    const facts = await source.facts(NAME, names, { ...NOTHING, pushed: true });

    expect(facts.map(({ name, digest }) => ({ name, digest }))).toEqual(tags);
    expect(facts.every(({ pushedMs }) => pushedMs !== undefined)).toBe(true);
    expect(s3.count("GetObject")).toBe(0);
    expect(s3.requests.length).toBeLessThanOrEqual(30);
  });

  it("go by the thousand: half of ten thousand take no more than 1.2 requests a thousand objects, and fifty", async () => {
    const s3 = await faultyServer();
    const tags = putTags(s3, 10_000);
    const going = tags.filter((_, number) => number % 2 === 0);
    const before = s3.objects(BUCKET).size;
    s3.requests.length = 0;

    const outcomes = await remove(s3, going);

    const objects = before - s3.objects(BUCKET).size;
    expect(objects).toBe(5_000 + 5_000 + 1_000);
    expect(s3.requests.length).toBeLessThanOrEqual((objects / 1_000) * 1.2 + 50);
    expect(outcomes).toEqual(going.map(({ name }) => ({ name, kind: "removed" })));
    for (const [key] of s3.objects(BUCKET)) expect(key).toMatch(/\/v\d{4}[13579]\//);
  });

  it("go with their current link first, so that a tag whose history stays is gone", async () => {
    const s3 = await faultyServer();
    const [tag] = putTags(s3, 1);
    if (tag === undefined) throw new Error("no tag was put");
    s3.requests.length = 0;
    const folder = tagPath(NAME, tag.name).slice(1);
    let deletes = 0;
    s3.options.policy = ({ operation }) =>
      operation === "DeleteObjects" && ++deletes === 2 ? new Refusal(403, "AccessDenied", "no") : undefined;

    expect(await remove(s3, [tag])).toMatchObject([
      { kind: "removed", reason: expect.stringContaining("stays") },
    ]);

    const left = [...s3.objects(BUCKET).keys()].filter((key) => key.startsWith(`${folder}/`));
    expect(left).toHaveLength(2);
    expect(left.every((key) => key.startsWith(`${folder}/index/`))).toBe(true);
    s3.options.policy = undefined;
    await new StoreTags(impatientDriver(s3, BUCKET), recorder).sweepLeftovers(NAME, [tag.name]);
    expect([...s3.objects(BUCKET).keys()]).toEqual([]);
  });

  it("stay where they point elsewhere by now, also where the listing cannot tell", async () => {
    const s3 = await faultyServer();
    const tags = putTags(s3, 3);
    const elsewhere = digestOf(Buffer.from("elsewhere"));
    s3.bucket(BUCKET).put(tagCurrentLinkPath(NAME, "v00001").slice(1), Buffer.from(elsewhere), Date.now());

    const outcomes = await remove(s3, tags);

    expect(outcomes.map(({ kind }) => kind)).toEqual(["removed", "moved", "removed"]);
    expect(s3.objects(BUCKET).has(tagCurrentLinkPath(NAME, "v00001").slice(1))).toBe(true);
  });

  it("fail with a reason that passes where the store is busy, and stay as they are", async () => {
    const s3 = await faultyServer();
    const tags = putTags(s3, 2);
    const before = [...s3.objects(BUCKET).keys()];
    s3.options.policy = ({ operation }) =>
      operation === "DeleteObjects" ? new Refusal(503, "SlowDown", "slower") : undefined;
    expect(await remove(s3, tags)).toMatchObject([
      { kind: "failed", isPassing: true },
      { kind: "failed", isPassing: true },
    ]);
    s3.options.policy = ({ operation }) =>
      operation === "DeleteObjects" ? new Refusal(403, "AccessDenied", "no") : undefined;
    expect(await remove(s3, tags)).toMatchObject([
      { kind: "failed", isPassing: false },
      { kind: "failed", isPassing: false },
    ]);
    expect([...s3.objects(BUCKET).keys()]).toEqual(before);
  });
});
