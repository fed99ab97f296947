import { existsSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeFolders } from "../../../src/lib/make-folders.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("makeFolders", () => {
  it("makes what is missing, and tells whether the last one was", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "a", "b", "c");
    expect(makeFolders(path, 0o700)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "a")).mode & 0o777).toBe(0o700);
    expect(makeFolders(path, 0o755)).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  it("takes a link to a folder for the folder", async () => {
    const folder = await temporaryFolder();
    symlinkSync(folder, join(folder, "link"));
    expect(makeFolders(join(folder, "link"))).toBe(false);
    expect(makeFolders(join(folder, "link", "a"))).toBe(true);
  });

  it("says what stands in the way", async () => {
    const folder = await temporaryFolder();
    writeFileSync(join(folder, "file"), "");
    symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
    expect(() => makeFolders(join(folder, "file"))).toThrow("EEXIST");
    expect(() => makeFolders(join(folder, "file", "a", "b"))).toThrow("ENOTDIR");
    expect(() => makeFolders(join(folder, "dangling"))).toThrow("EEXIST");
  });

  it.runIf(existsSync("/proc/self"))("gives up where nothing can be made", () => {
    expect(() => makeFolders("/proc/registry-ctl-test/a/b")).toThrow("ENOENT");
  });
});
