import { appendFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { ExtraFiles } from "../../../../src/registry/copy/extra-files.ts";
import { HeldFiles } from "../../../../src/registry/copy/held-files.ts";
import { blobDataPath, tagCurrentLinkPath } from "../../../../src/registry/paths.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const ONE = digestOf(Buffer.from("one"));
const OTHER = digestOf(Buffer.from("other"));

describe("HeldFiles", () => {
  test("remembers for a later run what was left and damaged, but not what failed", async () => {
    const folder = await temporaryFolder();
    const first = new HeldFiles(folder, false);
    const damaged = { path: blobDataPath(ONE), digest: ONE, why: "it rots" };
    first.holdDamaged(damaged);
    first.holdRevision("a", OTHER, "left");
    first.holdBlob(OTHER, "failed");
    first.holdStaleTag();
    first.settle();
    expect([first.blob(ONE), first.blob(OTHER)]).toEqual(["damaged", "failed"]);
    const second = new HeldFiles(folder, true);
    expect([second.blob(ONE), second.blob(OTHER)]).toEqual(["damaged", undefined]);
    expect([second.revision("a", OTHER), second.revision("b", OTHER)]).toEqual(["left", undefined]);
    expect(second.damaged).toEqual([damaged]);
    expect(second.staleTags).toBe(1);
    expect(new HeldFiles(folder, false).blob(ONE)).toBeUndefined();
    expect(new HeldFiles(folder, true).blob(ONE)).toBeUndefined();
  });

  test("does without a line that was cut, and loses none behind it", async () => {
    const folder = await temporaryFolder();
    new HeldFiles(folder, false).holdBlob(ONE, "left");
    await appendFile(join(folder, "held.jsonl"), '{"cause":"le');
    new HeldFiles(folder, true).holdBlob(OTHER, "left");
    const third = new HeldFiles(folder, true);
    expect([third.blob(ONE), third.blob(OTHER)]).toEqual(["left", "left"]);
  });

  test("keeps nothing on disk without a folder", () => {
    const held = new HeldFiles(undefined, false);
    held.holdBlob(ONE, "left");
    held.settle();
    expect(held.blob(ONE)).toBe("left");
  });
});

describe("ExtraFiles", () => {
  test("keeps of an earlier run what was noted up to its position, and its amounts", async () => {
    const folder = await temporaryFolder();
    const first = await ExtraFiles.open(folder, undefined);
    const tags = ["a", "b", "c"].map((name) => ({ path: tagCurrentLinkPath(name, "t"), sizeBytes: 71 }));
    first.add("blob", { path: blobDataPath(ONE), sizeBytes: 5 });
    for (const tag of tags) first.add("tag", tag);
    first.flush();
    await appendFile(join(folder, "extra-tag.list"), '71 "/docker/re');
    const after = tagCurrentLinkPath("b", "t");
    const second = await ExtraFiles.open(folder, { pass: "repositories", after });
    expect(second.isComplete).toBe(true);
    expect(second.planned).toEqual({ files: 3, manifests: 0, bytes: 147 });
    second.add("tag", { path: tagCurrentLinkPath("d", "t"), sizeBytes: 71 });
    expect(await pathsOf(second, "")).toEqual([
      ...tags.slice(0, 2).map(({ path }) => path),
      tagCurrentLinkPath("d", "t"),
    ]);
    expect(await pathsOf(second, after)).toEqual([tagCurrentLinkPath("d", "t")]);
  });

  test("notes names with any characters", async () => {
    const files = await ExtraFiles.open(await temporaryFolder(), undefined);
    const path = '/docker/registry/v2/a "b"\n\\c/\u2028ü';
    files.add("other", { path, sizeBytes: 1 });
    const found: string[] = [];
    for await (const file of files.of("other", "")) found.push(file.path);
    expect(found).toEqual([path]);
  });

  test("says when the lists of an earlier run are gone", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "something"), "");
    const files = await ExtraFiles.open(folder, { pass: "deletions", after: "" });
    expect(files.isComplete).toBe(false);
  });
});

async function pathsOf(files: ExtraFiles, after: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of files.of("tag", after)) paths.push(path);
  return paths;
}
