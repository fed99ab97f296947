import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../../src/errors.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";

const OTHER_USER = 12_345;
const OTHER_GROUP = 12_346;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn("SKIPPED: owners, modes and denied access are not tested (run the tests as root)");

describe.runIf(isRoot)("run by root", () => {
  let root: string;
  let driver: FilesystemDriver;
  let umask: number;

  beforeEach(() => {
    umask = process.umask(0o022);
    root = mkdtempSync(join(tmpdir(), "registry-ctl-owners-"));
    chownSync(root, OTHER_USER, OTHER_GROUP);
    chmodSync(root, 0o2775);
    driver = new FilesystemDriver({ rootDirectory: root });
  });
  afterEach(() => {
    process.umask(umask);
    rmSync(root, { recursive: true });
  });

  const ownerAndMode = (path: string) => {
    const { uid, gid, mode } = lstatSync(join(root, path));
    return [uid, gid, (mode & 0o7777).toString(8)];
  };

  it("gives new files and folders the owner of the folder above, 0666 and 0777 less umask, and keeps setgid", async () => {
    await driver.put("/a/b/put", Buffer.from("x"));
    for (const append of [true, false]) {
      const writer = await driver.openWriter(`/a/b/writer-${append}`, { append });
      await writer.write(Buffer.from("x"));
      await writer.commit();
    }
    await driver.putIfAbsent("/a/b/exclusive", Buffer.from("x"));
    await driver.move("/a/b/put", "/c/d/moved");
    for (const folder of ["a", "a/b", "c", "c/d"]) {
      expect(ownerAndMode(folder)).toEqual([OTHER_USER, OTHER_GROUP, "2755"]);
    }
    for (const file of ["a/b/writer-true", "a/b/writer-false", "a/b/exclusive", "c/d/moved"]) {
      expect(ownerAndMode(file)).toEqual([OTHER_USER, OTHER_GROUP, "644"]);
    }
  });

  it("gives a replaced file the owner of its folder, and honours the umask", async () => {
    process.umask(0o027);
    await driver.put("/f", Buffer.from("x"));
    chownSync(join(root, "f"), 0, 0);
    await driver.put("/f", Buffer.from("y"));
    expect(ownerAndMode("f")).toEqual([OTHER_USER, OTHER_GROUP, "640"]);
  });

  it("gives a root folder that it makes the owner of the folder above", async () => {
    await new FilesystemDriver({ rootDirectory: join(root, "new/store") }).put("/f", Buffer.from("x"));
    expect(ownerAndMode("new/store")).toEqual([OTHER_USER, OTHER_GROUP, "2755"]);
  });

  it("reports denied access with the path and what to do, and changes nothing", async () => {
    mkdirSync(join(root, "closed"), { mode: 0o700 });
    await driver.put("/closed/f", Buffer.from("kept"));
    await driver.put("/open/f", Buffer.from("x"));
    process.seteuid?.(OTHER_USER + 7);
    try {
      for (const attempt of [
        () => driver.get("/closed/f"),
        () => driver.put("/closed/f", Buffer.from("y")),
        () => driver.put("/open/g", Buffer.from("y")),
        () => driver.put("/new/g", Buffer.from("y")),
        () => driver.openWriter("/closed/g", { append: true }),
        () => driver.delete("/open/f"),
        () => driver.move("/open/f", "/g"),
        () => driver.list("/closed"),
        () => driver.removeFolder("/closed"),
      ]) {
        const denied = attempt();
        await expect(denied, String(attempt)).rejects.toThrow(StorageUnavailableError);
        await expect(denied).rejects.toThrow(root);
        await expect(denied).rejects.toMatchObject({ hint: expect.stringContaining("access") });
      }
      expect(() => driver.getSync("/closed/f")).toThrow(StorageUnavailableError);
      expect(await driver.deleteMany(["/open/f"])).toMatchObject([
        { error: expect.any(StorageUnavailableError) },
      ]);
      const failures: string[] = [];
      const scanned: string[] = [];
      for await (const batch of driver.scan("/", (failure) => failures.push(failure.path))) {
        scanned.push(...batch.map((file) => file.path));
      }
      expect({ failures, scanned }).toEqual({ failures: ["/closed"], scanned: ["/open/f"] });
    } finally {
      process.seteuid?.(0);
    }
    expect(readdirSync(root, { recursive: true }).map(String).sort()).toEqual([
      "closed",
      "closed/f",
      "open",
      "open/f",
    ]);
  });
});

describe("the root folder", () => {
  let parent: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-root-"));
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  it("is made by the first write, not before", async () => {
    const driver = new FilesystemDriver({ rootDirectory: join(parent, "a/b") });
    await expect(driver.list("/")).rejects.toThrow("no such path");
    expect(await driver.now()).toBeGreaterThan(0);
    expect(readdirSync(parent)).toEqual([]);
    await driver.put("/f", Buffer.from("x"));
    expect(readdirSync(join(parent, "a/b"))).toEqual(["f"]);
  });

  it("is not made again when it has gone, nor filled when another has taken its place", async () => {
    const root = join(parent, "root");
    mkdirSync(root);
    const driver = new FilesystemDriver({ rootDirectory: root });
    renameSync(root, join(parent, "elsewhere"));
    await expect(driver.put("/docker/f", Buffer.from("x"))).rejects.toThrow("has gone");
    await expect(driver.put("/f", Buffer.from("x"))).rejects.toThrow("has gone");
    mkdirSync(root);
    await expect(driver.put("/docker/f", Buffer.from("x"))).rejects.toThrow("another folder");
    expect(readdirSync(root)).toEqual([]);
  });

  it("takes a pipe in the place of a file for no file, and does not wait for its writer", async () => {
    execFileSync("mkfifo", [join(parent, "pipe")]);
    const driver = new FilesystemDriver({ rootDirectory: parent });
    await expect(driver.get("/pipe")).rejects.toThrow(PathNotFoundError);
    await expect(driver.read("/pipe")).rejects.toThrow(PathNotFoundError);
    await expect(driver.openFile("/pipe")).rejects.toThrow(PathNotFoundError);
    // What stands in the place of a link that cannot be read is not nothing.
    expect(() => driver.getSync("/pipe")).toThrow(StorageUnavailableError);
  });

  it("may hold symbolic links, and loops of them end", async () => {
    const root = join(parent, "root");
    mkdirSync(root);
    mkdirSync(join(parent, "other-disk"));
    symlinkSync(join(parent, "other-disk"), join(root, "docker"));
    const driver = new FilesystemDriver({ rootDirectory: root });
    await driver.put("/docker/a/f", Buffer.from("x"));
    symlinkSync("..", join(parent, "other-disk/a/loop"));
    symlinkSync("nowhere", join(root, "dangling"));
    const walked: string[] = [];
    for await (const file of driver.walk("/")) walked.push(file.path);
    const scanned: string[] = [];
    for await (const batch of driver.scan("/", () => undefined))
      scanned.push(...batch.map((file) => file.path));
    expect(walked).toEqual(["/docker/a/f"]);
    // A scan tells where the loop is, as something stands there that it does not look into.
    expect(scanned).toEqual([...walked, "/docker/a/loop"]);
    await expect(driver.put("/dangling/f", Buffer.from("x"))).rejects.toMatchObject({
      hint: expect.stringContaining("symbolic link"),
    });
  });

  it("keeps temporary files of a dead process out of listings until they are swept", async () => {
    const driver = new FilesystemDriver({ rootDirectory: parent });
    await driver.put("/a/f", Buffer.from("x"));
    await driver.openWriter("/a/g");
    expect(readdirSync(join(parent, "a")).length).toBe(2);
    expect((await driver.list("/a")).length).toBe(1);
    const { modifiedMs } = await driver.stat("/a/f");
    expect(await driver.sweepTemporaryFiles("/", modifiedMs - 60_000)).toBe(0);
    expect(await driver.sweepTemporaryFiles("/", modifiedMs + 60_000)).toBe(1);
    expect(readdirSync(join(parent, "a"))).toEqual(["f"]);
  });
});
