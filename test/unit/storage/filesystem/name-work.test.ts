import { mkdirSync, renameSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function world() {
  const rootDirectory = await temporaryFolder();
  const driver = new FilesystemDriver({ rootDirectory });
  await driver.put("/a/b/link", Buffer.from("one"));
  const text = async (path: string) => Buffer.from(await driver.get(path)).toString();
  return { driver, rootDirectory, text };
}

describe("names on a disk", () => {
  it("gives a file a second name with its time, which goes its own way when the file is replaced", async () => {
    const { driver, text } = await world();
    await driver.setModified("/a/b/link", 1_500_000_000_000);
    expect(await driver.linkFiles([{ from: "/a/b/link", to: "/c/d/e/link" }])).toEqual([]);
    await driver.settleNames(["/c/d/e"]);
    expect((await driver.stat("/c/d/e/link")).modifiedMs).toBe(1_500_000_000_000);
    await driver.put("/a/b/link", Buffer.from("two"));
    expect(await text("/c/d/e/link")).toBe("one");
  });

  it("leaves what has the name already, and tells of a file that is gone", async () => {
    const { driver, text } = await world();
    await driver.put("/c/link", Buffer.from("other"));
    const gone = { from: "/a/gone", to: "/c/gone" };
    expect(await driver.linkFiles([{ from: "/a/b/link", to: "/c/link" }, gone])).toEqual([gone]);
    expect(await text("/c/link")).toBe("other");
  });

  it("moves a folder with all that is in it, and keeps its owner and mode", async () => {
    const { driver, rootDirectory, text } = await world();
    const before = statSync(join(rootDirectory, "a"));
    expect(await driver.moveFolder("/a", "/x/y")).toBe(true);
    expect(await text("/x/y/b/link")).toBe("one");
    const { ino, mode, uid } = statSync(join(rootDirectory, "x/y"));
    expect([ino, mode, uid]).toEqual([before.ino, before.mode, before.uid]);
  });

  it("moves no folder to where something is, below itself, or that is not there", async () => {
    const { driver, rootDirectory, text } = await world();
    mkdirSync(join(rootDirectory, "empty"));
    expect(await driver.moveFolder("/a", "/empty")).toBe(false);
    expect(await driver.moveFolder("/a", "/a/b/c")).toBe(false);
    expect(await driver.moveFolder("/gone", "/x")).toBe(false);
    expect(await driver.moveFolder("/a/b/link", "/x")).toBe(false);
    expect(await text("/a/b/link")).toBe("one");
  });

  it.each(["a", "a/b", "a/b/_layers", "a/_manifests/tags"])(
    "moves no folder with a symbolic link at %s, which would lead nowhere from elsewhere",
    async (place) => {
      const { driver, rootDirectory } = await world();
      await driver.put(`/${place}/c/link`, Buffer.from("linked"));
      const [path, aside] = [join(rootDirectory, place), join(rootDirectory, "aside")];
      renameSync(path, aside);
      symlinkSync(`${"../".repeat(place.split("/").length - 1)}aside`, path);
      expect(await driver.moveFolder("/a", "/x/y/z")).toBe(false);
      expect(Buffer.from(await driver.get(`/${place}/c/link`)).toString()).toBe("linked");
    },
  );
});
