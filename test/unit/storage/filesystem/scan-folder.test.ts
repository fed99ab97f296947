import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PathNotFoundError } from "../../../../src/errors.ts";
import type { ScanFailure } from "../../../../src/storage/abilities.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-scan-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

async function scan(path: string, onFile: (path: string) => void = () => {}): Promise<ScanFailure[]> {
  const failures: ScanFailure[] = [];
  const driver = new FilesystemDriver({ rootDirectory: folder });
  for await (const batch of driver.scan(path, (failure) => failures.push(failure))) {
    for (const file of batch) onFile(file.path);
  }
  return failures;
}

describe("a scan of a file system", () => {
  it("finds nothing, and no fault, where the folder itself is missing", async () => {
    expect(await scan("/none/at/all")).toEqual([]);
    writeFileSync(join(folder, "file"), "");
    expect(await scan("/file/below")).toEqual([]);
  });

  it.each([
    ["the folder itself", "/store"],
    ["a folder below", "/"],
  ])("tells of a symbolic link that leads nowhere in place of %s", async (_, start) => {
    symlinkSync(join(folder, "not mounted"), join(folder, "store"));

    const failures = await scan(start);

    expect(failures.map(({ path }) => path)).toEqual(["/store"]);
    expect(failures[0]?.error).toBeInstanceOf(PathNotFoundError);
  });

  it("lists no folder that lies wholly before the path at which it begins", async () => {
    for (const path of ["a", "b", "b/c", "d"]) mkdirSync(join(folder, path));
    for (const path of ["a", "b/c", "d"]) symlinkSync(join(folder, "none"), join(folder, path, "broken"));
    for (const path of ["b/c/f", "b/f"]) writeFileSync(join(folder, path), "");
    const driver = new FilesystemDriver({ rootDirectory: folder });
    const failedBehind = async (after: string): Promise<string[]> => {
      const failed: string[] = [];
      const scanned = driver.scan("/", ({ path }) => failed.push(path), { after });
      for await (const _ of scanned);
      return failed;
    };
    expect(await failedBehind("")).toEqual(["/a/broken", "/b/c/broken", "/d/broken"]);
    expect(await failedBehind("/b/c/f")).toEqual(["/b/c/broken", "/d/broken"]);
    expect(await failedBehind("/b/f")).toEqual(["/d/broken"]);
    expect(await failedBehind("/z")).toEqual([]);
  });

  it("tells of a folder that vanishes before its turn", async () => {
    for (let file = 0; file < 1000; file++) {
      mkdirSync(join(folder, "a"), { recursive: true });
      writeFileSync(join(folder, "a", String(file)), "");
    }
    mkdirSync(join(folder, "b"));

    const failures = await scan("/", () => rmSync(join(folder, "b"), { recursive: true, force: true }));

    expect(failures.map(({ path }) => path)).toEqual(["/b"]);
  });

  it("tells of empty folders and temporary files beside the files", async () => {
    for (const path of ["empty", "full", "full/inner"]) mkdirSync(join(folder, path));
    for (const name of ["full/file", "full/.registry-ctl-0123456789abcdef.tmp"]) {
      writeFileSync(join(folder, name), "");
    }
    const seen: string[] = [];
    const driver = new FilesystemDriver({ rootDirectory: folder });
    const asides = {
      onEmptyFolder: (path: string) => seen.push(`empty ${path}`),
      onTemporaryFile: (path: string) => seen.push(`temporary ${path}`),
    };

    for await (const batch of driver.scan("/", () => {}, asides)) {
      seen.push(...batch.map((file) => file.path));
    }

    expect(seen.sort()).toEqual([
      "/full/file",
      "empty /empty",
      "empty /full/inner",
      "temporary /full/.registry-ctl-0123456789abcdef.tmp",
    ]);
    for await (const _ of driver.scan("/full/inner", () => {}, asides)) seen.push("a file");
    expect(seen).toHaveLength(4);
  });
});
