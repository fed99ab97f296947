import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { takeBackFiles, writePlannedFiles } from "../../../../src/process/files/write-planned-files.ts";
import { fillDisk, type Scarce } from "../../../support/full-disk.ts";
import { describeAsRoot } from "../../../support/programs.ts";
import { mountSmallDisk } from "../../../support/small-disk.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

let folder: string;

beforeEach(async () => {
  folder = await temporaryFolder();
});

const contents = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name !== "ballast" && !/^f\d+$/.test(entry.name))
      .map(({ name }) => [name.replace(/\d{8}T\d{6}Z/, "TIME"), readFileSync(join(folder, name), "utf8")]),
  );

function file(name: string, before: string | undefined, after: string | undefined, keepsBefore = false) {
  const path = join(folder, name);
  if (before !== undefined) writeFileSync(path, before);
  return { path, before, after, keepsBefore };
}

describe("writePlannedFiles", () => {
  it("makes, changes and removes files, and leaves nothing else", async () => {
    const files = [file("new", undefined, "a"), file("changed", "a", "b"), file("gone", "a", undefined)];
    expect(await writePlannedFiles(files)).toEqual([]);
    expect(contents()).toEqual({ new: "a", changed: "b" });
  });

  it("keeps what is asked for beside the file, with its mode, under a name that no folder of files is read by", async () => {
    const files = [file("changed.conf", "mine", "b", true), file("gone", "mine too", undefined, true)];
    chmodSync(join(folder, "changed.conf"), 0o640);
    const backups = await writePlannedFiles(files);
    expect(contents()).toEqual({
      ...{ "changed.conf": "b", "changed.conf.TIME.bak~": "mine", "gone.TIME.bak~": "mine too" },
    });
    expect(backups.map((path) => readFileSync(path, "utf8"))).toEqual(["mine", "mine too"]);
    expect(statSync(backups[0] ?? "").mode & 0o777).toBe(0o640);
  });

  it("leaves all as it was, without backups, if one cannot be written", async () => {
    const files = [
      file("kept", "mine", "b", true),
      file("new", undefined, "a"),
      file("gone", "a", undefined),
    ];
    mkdirSync(join(folder, "blocked"));
    const blocked = { path: join(folder, "blocked"), before: "x", after: "y" };
    await expect(writePlannedFiles([...files, blocked])).rejects.toMatchObject({ code: "ERR_WRITE" });
    expect(contents()).toEqual({ kept: "mine", gone: "a" });
  });

  it("changes nothing that somebody else has changed meanwhile", async () => {
    const files = [file("kept", "mine", "b", true)];
    writeFileSync(join(folder, "kept"), "theirs");
    await expect(writePlannedFiles(files)).rejects.toThrow("somebody else has changed");
    expect(contents()).toEqual({ kept: "theirs" });
  });
});

describe("takeBackFiles", () => {
  it("gives back what was there and says what it could not", async () => {
    const files = [file("kept", "mine", "b", true), file("other", "a", "b")];
    const backups = await writePlannedFiles(files);
    writeFileSync(join(folder, "other"), "theirs");
    expect(await takeBackFiles(files, backups)).toEqual([
      expect.stringContaining("somebody else has changed"),
    ]);
    expect(contents()).toEqual({ kept: "mine", "kept.TIME.bak~": "mine", other: "theirs" });
    writeFileSync(join(folder, "other"), "b");
    writeFileSync(join(folder, "kept"), "b");
    expect(await takeBackFiles(files, backups)).toEqual([]);
    expect(contents()).toEqual({ kept: "mine", other: "a" });
  });
});

describeAsRoot("writePlannedFiles on a full disk", () => {
  it.each<[Scarce, string]>([
    ["bytes", "size=64k"],
    ["inodes", "nr_inodes=12"],
  ])(
    "without %s changes nothing, leaves nothing half-written, and says what is wrong",
    async (scarce, options) => {
      const disk = mountSmallDisk(options);
      if (disk === undefined) return;
      onTestFinished(() => disk.unmount());
      folder = disk.path;
      const changed = file("changed", "mine", "b".repeat(5000), true);
      const gone = file("gone", "mine too", undefined, true);
      const fresh = { path: join(folder, "deep/er/new"), before: undefined, after: "a" };
      fillDisk(folder, scarce);
      const expected = contents();
      for (const each of [changed, gone, fresh]) {
        await expect(writePlannedFiles([each])).rejects.toMatchObject({
          code: "ERR_WRITE",
          message: expect.stringMatching(
            /cannot be written: its disk has no room, or no inode, left \(ENOSPC\)$/,
          ),
          hint: expect.stringContaining("make room"),
        });
      }
      expect(contents()).toEqual(expected);
    },
  );
});
