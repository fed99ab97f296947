import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exposureOf } from "../../../../src/operations/keys/file-exposure.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-exposure-"));
  await mkdir(join(folder, "etc"));
  await writeFile(join(folder, "etc", "a.key"), "");
  await symlink("etc/a.key", join(folder, "link"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("exposureOf", () => {
  it.each([
    [0o600, 0o755, { read: false, write: false }],
    [0o640, 0o755, { read: false, write: false }],
    [0o644, 0o755, { read: true, write: false }],
    [0o646, 0o755, { read: true, write: true }],
    [0o666, 0o700, { read: false, write: false }],
    [0o666, 0o750, { read: false, write: false }],
    [0o644, 0o711, { read: true, write: false }],
  ])("of a file with mode %o in a folder with mode %o", async (mode, folderMode, exposure) => {
    await chmod(folder, 0o755);
    await chmod(join(folder, "etc", "a.key"), mode);
    await chmod(join(folder, "etc"), folderMode);
    for (const path of [join(folder, "etc", "a.key"), join(folder, "link")]) {
      expect(exposureOf(path, await stat(path))).toEqual(exposure);
    }
  });

  it("counts the folders further up", async () => {
    await chmod(folder, 0o700);
    await chmod(join(folder, "etc", "a.key"), 0o644);
    const path = join(folder, "etc", "a.key");
    expect(exposureOf(path, await stat(path))).toEqual({ read: false, write: false });
  });
});
