import { chmodSync, mkdirSync, renameSync, statSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { canRead, whileHeld } from "../../../../src/process/machine/held-file.ts";
import { describeAsRoot } from "../../../support/programs.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const USER = { uid: 54321, gid: 54321 };

describe("whileHeld", () => {
  it("gives what was found, whatever takes its place", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "link");
    writeFileSync(join(folder, "one"), "first");
    writeFileSync(join(folder, "two"), "second");
    symlinkSync("one", path);
    const text = await whileHeld(path, async (file) => {
      symlinkSync("two", join(folder, "new"));
      renameSync(join(folder, "new"), path);
      return readFile(file?.openAs ?? "", "utf8");
    });
    expect(text).toBe("first");
    expect(await readFile(path, "utf8")).toBe("second");
  });

  it("gives neither pipes nor folders, and says so of what is not there", async () => {
    const folder = await temporaryFolder();
    await execa("mkfifo", [join(folder, "pipe")]);
    for (const name of ["pipe", ".", "missing"]) {
      expect(await whileHeld(join(folder, name), async (file) => file), name).toBeUndefined();
    }
    await expect(whileHeld(join(folder, "n".repeat(300)), async (file) => file)).rejects.toThrow(
      "ENAMETOOLONG",
    );
  });
});

describeAsRoot("canRead", () => {
  it("tells whether a user can read the file that was found there", async () => {
    const folder = await temporaryFolder();
    chmodSync(folder, 0o755);
    const path = join(folder, "file");
    writeFileSync(path, "secret", { mode: 0o600 });
    const { dev, ino } = statSync(path);
    expect(canRead(USER, { path, dev, ino })).toBe(false);
    // As who has named it would do, once root has looked.
    symlinkSync(path, join(folder, "link"));
    writeFileSync(join(folder, "other"), "known");
    chmodSync(join(folder, "other"), 0o644);
    unlinkSync(join(folder, "link"));
    symlinkSync(join(folder, "other"), join(folder, "link"));
    expect(canRead(USER, { path: join(folder, "link"), dev, ino })).toBe(false);
    chmodSync(path, 0o644);
    expect(canRead(USER, { path, dev, ino })).toBe(true);
    mkdirSync(join(folder, "closed"), { mode: 0o700 });
    renameSync(path, join(folder, "closed/file"));
    expect(canRead(USER, { path: join(folder, "closed/file"), dev, ino })).toBe(false);
  });
});
