import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { deleteFiles } from "../../../../src/registry/threads/delete-files.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { nodeFs } from "../../../../src/storage/filesystem/fs-operations.ts";

const CUTOFF_MS = Date.UTC(2026, 0, 1);
let root: string;
let driver: FilesystemDriver;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "registry-ctl-delete-"));
  driver = new FilesystemDriver({ rootDirectory: root });
});

afterEach(() => rm(root, { recursive: true }));

async function write(path: string, ageMs = 1): Promise<string> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), "x");
  const writtenAt = new Date(CUTOFF_MS - ageMs);
  await utimes(join(root, path), writtenAt, writtenAt);
  return path;
}

function remove(paths: string[], foldersAbove = 1, by = driver): ReturnType<typeof deleteFiles> {
  return deleteFiles(by, { paths, foldersAbove, keepWrittenAfterMs: CUTOFF_MS });
}

const isThere = (path: string): boolean => existsSync(join(root, path));

describe("deleting files", () => {
  it("removes each by its path, with as many folders above it as are asked for", async () => {
    const paths = [await write("/a/b/c/1/link"), await write("/a/b/d/2/link")];
    expect(remove(paths, 2)).toEqual({
      outcomes: ["deleted", "deleted"],
      staying: ["/a/b"],
      blocked: [],
    });
    expect(["/a/b", "/a/b/c", "/a/b/d"].map(isThere)).toEqual([true, false, false]);
  });

  it("keeps what was written after the plan, with its folders", async () => {
    const paths = [await write("/a/young/link", -1), await write("/a/exact/link", 0)];
    expect(remove(paths)).toEqual({ outcomes: ["kept", "deleted"], staying: ["/a"], blocked: [] });
    expect(isThere("/a/young/link")).toBe(true);
  });

  it("stops at a folder with anything else in it", async () => {
    await write("/tags/v1/current/link");
    const path = await write("/tags/v1/index/sha256/ab/link");
    expect(remove([path], 4).staying).toEqual(["/tags/v1"]);
    expect(isThere("/tags/v1/current/link")).toBe(true);
    expect(isThere("/tags/v1/index")).toBe(false);
  });

  it("removes the emptied folder of a file that is gone, as a killed run leaves it", async () => {
    await mkdir(join(root, "a/gone"), { recursive: true });
    expect(remove(["/a/gone/link", "/never/was/link"])).toEqual({
      outcomes: ["gone", "gone"],
      staying: ["/a", "/never/was"],
      blocked: [],
    });
    expect(isThere("/a/gone")).toBe(false);
  });

  it("tells which files cannot be removed, and goes on with the others", async () => {
    const paths = [await write("/a/1/link"), await write("/a/2/link"), await write("/a/3/link")];
    const unlinkSync = (path: string): void => {
      if (path.includes("/2/")) throw Object.assign(new Error("no"), { code: "EACCES" });
      nodeFs.unlinkSync(path);
    };
    const stubborn = new FilesystemDriver({ rootDirectory: root, fs: { ...nodeFs, unlinkSync } });
    const { outcomes } = remove(paths, 1, stubborn);
    expect(outcomes).toEqual(["deleted", { error: expect.stringContaining("permission denied") }, "deleted"]);
    expect(paths.map(isThere)).toEqual([false, true, false]);
  });

  it("takes a folder that cannot be removed for no failure", async () => {
    const path = await write("/a/1/link");
    const rmdirSync = (): void => {
      throw Object.assign(new Error("no"), { code: "EACCES" });
    };
    const stubborn = new FilesystemDriver({ rootDirectory: root, fs: { ...nodeFs, rmdirSync } });
    expect(remove([path], 1, stubborn)).toMatchObject({ outcomes: ["deleted"], staying: ["/a/1"] });
  });

  it("tells of a folder that stays although nothing can be seen in it", async () => {
    const path = await write("/a/1/link");
    await write("/a/1/.registry-ctl-0123456789abcdef.tmp");
    const other = await write("/a/2/link");
    await write("/a/2/unknown");
    expect(remove([other, path])).toEqual({
      outcomes: ["deleted", "deleted"],
      staying: ["/a/2", "/a/1"],
      blocked: [1],
    });
  });
});
