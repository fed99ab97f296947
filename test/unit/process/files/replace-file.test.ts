import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it, onTestFinished } from "vitest";
import { ReadOnlyFileError, replaceFile } from "../../../../src/process/files/replace-file.ts";
import { describeAsRoot, describeWithPrograms, programPath } from "../../../support/programs.ts";
import { mountSmallDisk } from "../../../support/small-disk.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const OLD = "version: 0.1\n";
const NEW = "version: 0.1\nhttp: {}\n";

async function fileIn(name = "config.yml"): Promise<string> {
  const path = join(await temporaryFolder(), name);
  writeFileSync(path, OLD);
  return path;
}

describe("replaceFile", () => {
  it("exchanges the file for another one with the same mode, and leaves nothing beside it", async () => {
    const path = await fileIn();
    chmodSync(path, 0o640);
    utimesSync(path, 1, 1);
    const before = statSync(path);
    expect(await replaceFile(path, NEW, { expected: OLD })).toEqual({ path, inPlace: false });
    const after = statSync(path);
    expect(readFileSync(path, "utf8")).toBe(NEW);
    expect(after.mode).toBe(before.mode);
    expect(after.ino).not.toBe(before.ino);
    // Readers know by the time that it is another one.
    expect(after.mtimeMs).toBeGreaterThan(1_000_000);
    expect(readdirSync(join(path, ".."))).toEqual(["config.yml"]);
  });

  it("destroys no characters that are not UTF-8", async () => {
    const path = await fileIn();
    const latin = Buffer.from("# caf\u00e9\n", "latin1");
    writeFileSync(path, latin);
    const expected = readFileSync(path, "utf8");
    await expect(replaceFile(path, `${expected}${NEW}`, { expected })).rejects.toMatchObject({
      code: "ERR_WRITE",
      message: `${path} has characters that are no UTF-8 and would be lost`,
    });
    expect(readFileSync(path)).toEqual(latin);
  });

  it("changes what a link leads to, and keeps the link", async () => {
    const path = await fileIn();
    const link = join(path, "../link.yml");
    symlinkSync("config.yml", link);
    expect(await replaceFile(link, NEW, { expected: OLD })).toEqual({ path, inPlace: false });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(NEW);
  });

  it("writes into a file with two names, and keeps the old content beside it", async () => {
    const path = await fileIn();
    const other = join(path, "../other.yml");
    linkSync(path, other);
    const { inPlace, backup = "" } = await replaceFile(path, NEW, { expected: OLD });
    expect(inPlace).toBe(true);
    expect(readFileSync(other, "utf8")).toBe(NEW);
    expect(backup).toMatch(/config\.yml\.\d{8}T\d{6}Z\.bak~$/);
    expect(readFileSync(backup, "utf8")).toBe(OLD);
  });

  it("changes nothing if somebody else has changed the file meanwhile", async () => {
    const path = await fileIn();
    await expect(replaceFile(path, NEW, { expected: "else" })).rejects.toMatchObject({
      code: "ERR_REGISTRY_STATE",
    });
    expect(readFileSync(path, "utf8")).toBe(OLD);
  });

  it("says that a file is missing or a folder", async () => {
    const path = await fileIn();
    await expect(replaceFile(`${path}.not`, NEW, { expected: OLD })).rejects.toThrow("there is no such file");
    await expect(replaceFile(join(path, ".."), NEW, { expected: OLD })).rejects.toThrow("is no file");
  });
});

describeWithPrograms(["setfacl", "getfacl"], "replaceFile and access lists", () => {
  it("keeps them", async () => {
    const path = await fileIn();
    execFileSync(programPath("setfacl"), ["-m", "u:1234:r", path]);
    const before = accessList(path);
    expect(before).toContain("user:1234:r--");
    expect((await replaceFile(path, NEW, { expected: OLD })).inPlace).toBe(false);
    expect(accessList(path)).toBe(before);
    expect(readFileSync(path, "utf8")).toBe(NEW);
  });
});

describeAsRoot("replaceFile as root", () => {
  it("keeps a foreign owner", async () => {
    const path = await fileIn();
    chownSync(path, 996, 995);
    chmodSync(path, 0o600);
    await replaceFile(path, NEW, { expected: OLD });
    expect(statSync(path)).toMatchObject({ uid: 996, gid: 995 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("writes into a file that is mounted by itself, with the old content beside it", async () => {
    const path = await fileIn();
    const inside = join(await temporaryFolder(), "config.yml");
    writeFileSync(inside, "");
    execFileSync("mount", ["--bind", path, inside], { stdio: "pipe" });
    onTestFinished(() => void execFileSync("umount", ["-l", inside], { stdio: "pipe" }));
    const { inPlace, backup = "" } = await replaceFile(inside, NEW, { expected: OLD });
    expect(inPlace).toBe(true);
    expect(readFileSync(path, "utf8")).toBe(NEW);
    expect(readFileSync(backup, "utf8")).toBe(OLD);
  });

  it("writes into a file that a container has mounted, which would not see another one", async () => {
    const path = await fileIn();
    const inside = join(await temporaryFolder(), "inside.yml");
    writeFileSync(inside, "");
    const script = 'mount --bind "$1" "$2" && echo ready && read -r _ && cat "$2"';
    const container = spawn("unshare", ["-m", "sh", "-c", script, "sh", path, inside], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    onTestFinished(() => void container.kill());
    const lines = createInterface({ input: container.stdout })[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe("ready");
    expect((await replaceFile(path, NEW, { expected: OLD })).inPlace).toBe(true);
    container.stdin.end("\n");
    expect((await lines.next()).value).toBe("version: 0.1");
    expect((await lines.next()).value).toBe("http: {}");
  });

  it("changes nothing on a read-only disk, and says so", async ({ skip }) => {
    const disk = mountSmallDisk("size=1m");
    if (disk === undefined) return skip();
    onTestFinished(() => disk.unmount());
    const path = join(disk.path, "config.yml");
    writeFileSync(path, OLD);
    execFileSync("mount", ["-o", "remount,ro", disk.path], { stdio: "pipe" });
    await expect(replaceFile(path, NEW, { expected: OLD })).rejects.toBeInstanceOf(ReadOnlyFileError);
  });

  it("gives a file back its old content if the disk is full", async ({ skip }) => {
    const disk = mountSmallDisk("size=64k");
    if (disk === undefined) return skip();
    onTestFinished(() => disk.unmount());
    const path = join(disk.path, "config.yml");
    writeFileSync(path, OLD);
    linkSync(path, join(disk.path, "other.yml"));
    await expect(replaceFile(path, "x".repeat(100_000), { expected: OLD })).rejects.toThrow("ENOSPC");
    expect(readFileSync(path, "utf8")).toBe(OLD);
    expect(readdirSync(disk.path).sort()).toEqual(["config.yml", "other.yml"]);
    const target = join(disk.path, "whole.yml");
    writeFileSync(target, OLD);
    await expect(replaceFile(target, "x".repeat(100_000), { expected: OLD })).rejects.toThrow("ENOSPC");
    expect(readdirSync(disk.path).sort()).toEqual(["config.yml", "other.yml", "whole.yml"]);
  });
});

function accessList(path: string): string {
  return execFileSync(programPath("getfacl"), ["-p", "-n", path]).toString();
}
