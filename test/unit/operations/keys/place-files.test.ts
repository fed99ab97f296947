import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type FileToPlace, inspectPlaces, placeFiles } from "../../../../src/operations/keys/place-files.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-place-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function file(name: string, content: string, more: Partial<FileToPlace> = {}): FileToPlace {
  return { path: join(folder, name), content, mode: 0o600, present: "refuse", ...more };
}

async function contents(): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")])),
  );
}

async function modeOf(name: string): Promise<number> {
  return (await stat(join(folder, name))).mode & 0o777;
}

describe("placeFiles", () => {
  it("writes files with their modes, whatever the umask, and leaves nothing else", async () => {
    expect(placeFiles([file("a.crt", "cert", { mode: 0o644 }), file("a.key", "key")], "bak")).toEqual([]);
    expect(await contents()).toEqual({ "a.crt": "cert", "a.key": "key" });
    expect(await modeOf("a.crt")).toBe(0o644);
    expect(await modeOf("a.key")).toBe(0o600);
  });

  it("changes nothing if one of the files is there already", async () => {
    await writeFile(join(folder, "a.key"), "old");
    expect(() => placeFiles([file("a.crt", "cert"), file("a.key", "key")], "bak")).toThrow(
      "is there already",
    );
    expect(await contents()).toEqual({ "a.key": "old" });
  });

  it("takes the first file away again if the second has come into its place meanwhile", async () => {
    expect(() => placeFiles([file("a.key", "one"), file("a.key", "two")], "bak")).toThrow("meanwhile");
    expect(await contents()).toEqual({});
  });

  it("puts an old file back if a later one cannot be placed", async () => {
    await writeFile(join(folder, "bundle"), "old");
    const bundle = file("bundle", "new", { present: "replace" });
    expect(() => placeFiles([bundle, file("a.key", "one"), file("a.key", "two")], "bak")).toThrow();
    await writeFile(join(folder, "a.crt"), "old");
    const kept = file("a.crt", "new", { present: "back-up" });
    expect(() => placeFiles([kept, file("a.key", "one"), file("a.key", "two")], "bak")).toThrow();
    expect(await contents()).toEqual({ "a.crt": "old", bundle: "old" });
  });

  it("keeps a replaced file beside the new one where that is wanted", async () => {
    await writeFile(join(folder, "a.key"), "old", { mode: 0o640 });
    const backups = placeFiles([file("a.key", "new", { present: "back-up" })], "2026.bak");
    expect(backups).toEqual([join(folder, "a.key.2026.bak")]);
    expect(await contents()).toEqual({ "a.key": "new", "a.key.2026.bak": "old" });
    expect(await modeOf("a.key")).toBe(0o600);
    expect(await modeOf("a.key.2026.bak")).toBe(0o640);
  });

  it("never writes over a backup", async () => {
    await writeFile(join(folder, "a.key"), "old");
    await writeFile(join(folder, "a.key.bak"), "older");
    expect(() => placeFiles([file("a.key", "new", { present: "back-up" })], "bak")).toThrow("meanwhile");
    expect(await contents()).toEqual({ "a.key": "old", "a.key.bak": "older" });
  });

  it("leaves a replaced file its mode where that is wanted", async () => {
    await writeFile(join(folder, "bundle"), "old");
    await chmod(join(folder, "bundle"), 0o640);
    placeFiles([file("bundle", "new", { mode: 0o644, keepMode: true, present: "replace" })], "bak");
    expect(await contents()).toEqual({ bundle: "new" });
    expect(await modeOf("bundle")).toBe(0o640);
  });

  it.runIf(process.getuid?.() === 0)("leaves a replaced file its owner", async () => {
    const { chownSync } = await import("node:fs");
    await writeFile(join(folder, "bundle"), "old");
    chownSync(join(folder, "bundle"), 65534, 65534);
    placeFiles([file("bundle", "new", { present: "replace" })], "bak");
    expect(await stat(join(folder, "bundle"))).toMatchObject({ uid: 65534, gid: 65534 });
  });

  it.each(["refuse", "back-up", "replace"] as const)("never writes through a link (%s)", async (present) => {
    await writeFile(join(folder, "target"), "old");
    await symlink("target", join(folder, "a.key"));
    await symlink("nowhere", join(folder, "b.key"));
    for (const name of ["a.key", "b.key"]) {
      expect(() => placeFiles([file(name, "new", { present })], "bak")).toThrow("is a link");
      expect((await lstat(join(folder, name))).isSymbolicLink()).toBe(true);
    }
    expect(await readdir(folder)).toHaveLength(3);
    expect(await readFile(join(folder, "target"), "utf8")).toBe("old");
  });

  it("says where it cannot write", () => {
    expect(() => placeFiles([file("none/a.key", "key")], "bak")).toThrow(
      expect.objectContaining({
        code: "ERR_WRITE",
        message: `cannot write in ${join(folder, "none")}: ENOENT`,
      }),
    );
  });
});

describe("inspectPlaces", () => {
  it("refuses a folder in the place of a file", async () => {
    await mkdir(join(folder, "a.key"));
    expect(() => inspectPlaces([file("a.key", "", { present: "back-up" })])).toThrow("is no file");
  });
});
