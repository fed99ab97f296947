import { chownSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseStateFolder, makeStateFolder } from "../../../src/state/state-folder.ts";

const isRoot = process.getuid?.() === 0;
const ownUid = process.getuid?.() ?? 0;
const user = { uid: 1000, home: "/home/ann", env: {} };
const storeLocation = "filesystem:/srv/registry";

describe("chooseStateFolder", () => {
  it("goes by --state-dir, then by the user, then by XDG_STATE_HOME", () => {
    const systemFolder = "/nowhere";
    const choose = (options: object) => chooseStateFolder({ storeLocation, user, systemFolder, ...options });
    const name = basename(choose({}));
    expect(name).toMatch(/^[0-9a-f]{16}$/);
    expect(choose({})).toBe(`/home/ann/.local/state/registry-ctl/${name}`);
    expect(choose({ user: { ...user, env: { XDG_STATE_HOME: "/x" } } })).toBe(`/x/registry-ctl/${name}`);
    expect(choose({ user: { ...user, env: { XDG_STATE_HOME: "x" } } })).toBe(
      `/home/ann/.local/state/registry-ctl/${name}`,
    );
    expect(choose({ user: { ...user, uid: 0 } })).toBe(`/nowhere/${name}`);
    expect(choose({ stateDir: "/mine" })).toBe(`/mine/${name}`);
    expect(choose({ storeLocation: "filesystem:/srv/other" })).not.toContain(name);
  });

  it("finds the folder that root has given to the user", () => {
    const systemFolder = mkdtempSync(join(tmpdir(), "registry-ctl-state-"));
    const own = { ...user, uid: ownUid === 0 ? 4242 : ownUid };
    const options = { storeLocation, user: own, systemFolder };
    const name = basename(chooseStateFolder(options));
    mkdirSync(join(systemFolder, name));
    if (isRoot) chownSync(join(systemFolder, name), 4242, 4242);
    expect(chooseStateFolder(options)).toBe(join(systemFolder, name));
    expect(chooseStateFolder({ ...options, user: { ...own, uid: own.uid + 1 } })).toContain("/home/ann/");
    rmSync(systemFolder, { recursive: true });
  });
});

describe("makeStateFolder", () => {
  let parent: string;

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "registry-ctl-state-"));
  });

  afterEach(() => rmSync(parent, { recursive: true, force: true }));

  it("makes it for its owner alone, also where it stood open, and as often as it is asked", () => {
    const folder = join(parent, "a", "b");
    makeStateFolder(folder, ownUid, undefined);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    mkdirSync(join(parent, "open"), { mode: 0o755 });
    makeStateFolder(join(parent, "open"), ownUid, undefined);
    makeStateFolder(join(parent, "open"), ownUid, undefined);
    expect(statSync(join(parent, "open")).mode & 0o777).toBe(0o700);
  });

  it("takes neither a link nor a file", () => {
    mkdirSync(join(parent, "target"));
    symlinkSync(join(parent, "target"), join(parent, "link"));
    writeFileSync(join(parent, "file"), "");
    expect(() => makeStateFolder(join(parent, "link"), ownUid, undefined)).toThrow("is no folder");
    expect(() => makeStateFolder(join(parent, "file"), ownUid, undefined)).toThrow("is no folder");
  });

  it("does not take a folder of somebody else", () => {
    mkdirSync(join(parent, "theirs"));
    expect(() => makeStateFolder(join(parent, "theirs"), ownUid + 1, undefined)).toThrow("belongs to user");
  });

  it.runIf(isRoot)("gives it to the registry's user", () => {
    const folder = join(parent, "given");
    makeStateFolder(folder, 0, { uid: 4242, gid: 4243 });
    makeStateFolder(folder, 0, { uid: 4242, gid: 4243 });
    expect(statSync(folder)).toMatchObject({ uid: 4242, gid: 4243 });
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });
});
