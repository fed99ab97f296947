import { spawnSync } from "node:child_process";
import { chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ownerToSwitchTo } from "../../../../src/process/machine/switch-user.ts";

const isRoot = process.getuid?.() === 0;
const MODULE = new URL("../../../../src/process/machine/switch-user.ts", import.meta.url).href;

describe("switching to the owner of the store", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-user-"));
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("does not happen for one's own folder, nor for one that does not exist", () => {
    expect(ownerToSwitchTo(folder)).toBeUndefined();
    expect(ownerToSwitchTo(join(folder, "missing"))).toBeUndefined();
  });

  it.runIf(isRoot)("gives up root for good, with the owner's groups", () => {
    const store = join(folder, "store");
    mkdirSync(store);
    chownSync(store, 54321, 54322);
    const script = `
      import { switchToStoreOwner } from ${JSON.stringify(MODULE)};
      const text = switchToStoreOwner(${JSON.stringify(store)});
      let again = "no";
      try { process.setuid(0); again = "yes"; } catch {}
      const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid()];
      console.log(JSON.stringify({ text, again, ids, groups: process.getgroups() }));`;
    const run = spawnSync(
      process.execPath,
      ["--import", import.meta.resolve("tsx"), "--input-type=module", "-e", script],
      {
        encoding: "utf8",
      },
    );
    expect(JSON.parse(run.stdout)).toEqual({
      text: `running as user 54321 (group 54322), who owns ${store}`,
      again: "no",
      ids: [54321, 54321, 54322, 54322],
      groups: [54322],
    });
  });

  it.runIf(isRoot)("does not happen for a folder of root", () => {
    chownSync(folder, 0, 0);
    expect(ownerToSwitchTo(folder)).toBeUndefined();
  });
});
