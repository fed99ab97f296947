import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { nodeFs } from "../../../../src/storage/filesystem/fs-operations.ts";
import { type DiskState, materialise, survivors } from "../../../support/power-cut.ts";
import { type RecordingFs, recordingFs } from "../../../support/recording-fs.ts";

describe("what the filesystem driver has acknowledged survives a power cut", () => {
  let rootDirectory: string;
  let recorder: RecordingFs;
  let driver: FilesystemDriver;

  beforeEach(async () => {
    rootDirectory = await mkdtemp(join(tmpdir(), "registry-ctl-power-cut-"));
    recorder = recordingFs();
    driver = new FilesystemDriver({ rootDirectory, fs: recorder.fs });
  });
  afterEach(() => rm(rootDirectory, { recursive: true }));

  const contentIn = (state: DiskState, path: string) => {
    const content = state.files.get(rootDirectory + path);
    return content && Buffer.from(content).toString();
  };
  /** Every state must have, for each mark `path=content`, that content or one that was put later. */
  function expectAcknowledged(): void {
    let states = 0;
    for (const state of survivors(recorder.log)) {
      states++;
      const acknowledged = new Map(state.marks.map((mark) => splitMark(mark)));
      for (const [path, content] of acknowledged) {
        const later = recorder.log
          .filter((change) => change.kind === "mark")
          .map((change) => splitMark(change.label))
          .filter(([marked]) => marked === path)
          .map(([, written]) => written);
        expect(later.slice(later.indexOf(content)), JSON.stringify([state.lost, state.changes])).toContain(
          contentIn(state, path),
        );
      }
    }
    expect(states).toBeGreaterThan(0);
  }
  async function put(path: string, content: string): Promise<void> {
    await driver.put(path, Buffer.from(content));
    recorder.mark(`${path}=${content}`);
  }

  it("after a put into new folders, and after it is replaced", async () => {
    await put("/a/b/c/link", "first");
    await put("/a/b/c/link", "second");
    await put("/a/b/d/link", "other");
    expectAcknowledged();
  });

  it("after many puts at the same time that share new folders", async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => put(`/a/${index % 3}/deep/${index}/link`, `${index}`)),
    );
    expectAcknowledged();
  });

  it("after a folder was removed and made again", async () => {
    await put("/a/b/link", "first");
    await driver.delete("/a/b/link");
    expect(await driver.removeFolder("/a/b")).toBe(true);
    recorder.log.splice(0, recorder.log.length, ...recorder.log.filter((change) => change.kind !== "mark"));
    await put("/a/b/link", "again");
    expectAcknowledged();
  });

  it.each([
    ["the folder itself", ["/a/b"], ["/a/b"]],
    ["folders above it too", ["/a/b", "/a"], ["/a"]],
    ["both again", ["/a/b", "/a"], ["/a", "/a/b"]],
  ])("after another process removed and made again %s", async (_, removed, madeAgain) => {
    await put("/a/b/link", "first");
    const other = new FilesystemDriver({ rootDirectory, fs: recorder.fs });
    await other.delete("/a/b/link");
    for (const folder of removed) expect(await other.removeFolder(folder)).toBe(true);
    await other.settleRemovals(removed);
    recorder.log.splice(0, recorder.log.length, ...recorder.log.filter((change) => change.kind !== "mark"));
    // Folders made within one tick of the kernel's clock cannot be told apart.
    await setTimeout(50);
    for (const folder of madeAgain) await recorder.fs.mkdir(rootDirectory + folder);
    await put("/a/b/link", "again");
    expectAcknowledged();
  });

  it("after an upload in several requests is moved to its blob", async () => {
    for (const part of ["one ", "two ", "three"]) {
      const writer = await driver.openWriter("/uploads/u/data", { append: true });
      await writer.write(Buffer.from(part));
      if (part !== "three") await writer.close();
      else await writer.commit();
    }
    await driver.move("/uploads/u/data", "/blobs/x/data");
    recorder.mark("/blobs/x/data=one two three");
    expectAcknowledged();
  });

  it("after a writer committed and after an exclusive creation", async () => {
    const writer = await driver.openWriter("/w/f");
    await writer.write(Buffer.from("written"));
    await writer.commit();
    recorder.mark("/w/f=written");
    expect(await driver.putIfAbsent("/locks/l", Buffer.from("mine"))).toBe(true);
    recorder.mark("/locks/l=mine");
    expectAcknowledged();
  });

  it("never shows a replaced file half written", async () => {
    await put("/f", "a".repeat(1000));
    await put("/f", "b".repeat(1000));
    const allowed = [undefined, "a".repeat(1000), "b".repeat(1000)];
    for (const state of survivors(recorder.log)) expect(allowed).toContain(contentIn(state, "/f"));
  });

  it("is found lost when the driver does not sync", async () => {
    for (const lazy of ["files", "folders"]) {
      recorder = recordingFs();
      const { fs } = recorder;
      driver = new FilesystemDriver({
        rootDirectory,
        fs: {
          ...fs,
          open: async (path, mode) => {
            const file = await fs.open(path, mode);
            return lazy === "files" ? { ...file, datasync: async () => undefined } : file;
          },
          syncFolder: lazy === "folders" ? async () => undefined : fs.syncFolder,
        },
      });
      await put(`/${lazy}/f`, "content");
      expect(expectAcknowledged).toThrow();
    }
  });

  it("can be laid out as a folder again", async () => {
    await put("/a/f", "content");
    const target = await mkdtemp(join(tmpdir(), "registry-ctl-power-cut-"));
    try {
      const last = [...survivors(recorder.log)].at(-1);
      if (last === undefined) throw new Error("no state");
      await materialise(last, rootDirectory, target);
      expect(await readFile(join(target, "a/f"), "utf8")).toBe("content");
    } finally {
      await rm(target, { recursive: true });
    }
  });

  it("syncs one folder for many commits together", async () => {
    let syncs = 0;
    driver = new FilesystemDriver({
      rootDirectory,
      fs: {
        ...nodeFs,
        syncFolder: (path) => {
          syncs++;
          return nodeFs.syncFolder(path);
        },
      },
    });
    await driver.put("/shared/first", Buffer.from("x"));
    syncs = 0;
    await Promise.all(
      Array.from({ length: 100 }, (_, index) => driver.put(`/shared/${index}`, Buffer.from("x"))),
    );
    expect(syncs).toBeLessThan(100);
  });
});

function splitMark(mark: string): [path: string, content: string] {
  const at = mark.indexOf("=");
  return [mark.slice(0, at), mark.slice(at + 1)];
}
