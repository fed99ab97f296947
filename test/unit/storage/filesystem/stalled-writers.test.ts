import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { nodeFs } from "../../../../src/storage/filesystem/fs-operations.ts";

const BEFORE_IDLE_MS = 900;
const IDLE_MS = 1000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-stalled-"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const sizeOnDisk = (path: string) => statSync(join(folder, path)).size;

/** Waits for real writes, which the pretended clock does not hold up. */
async function untilOnDisk(path: string, sizeBytes: number): Promise<void> {
  while (sizeOnDisk(path) !== sizeBytes) await setImmediate();
}

describe("a writer to which nothing comes for a while", () => {
  it("has put all it took into the file, and goes on from there", async () => {
    const writer = await new FilesystemDriver({ rootDirectory: folder }).openWriter("/f", { append: true });
    const first = Buffer.alloc(300_000, 1);
    await writer.write(first);
    vi.advanceTimersByTime(BEFORE_IDLE_MS);
    await writer.write(Buffer.from("later"));
    vi.advanceTimersByTime(BEFORE_IDLE_MS);
    await untilOnDisk("f", 256 * 1024);
    expect(writer.sizeBytes).toBe(300_005);

    vi.advanceTimersByTime(IDLE_MS);
    await untilOnDisk("f", 300_005);
    expect(writer.sizeBytes).toBe(300_005);

    await writer.write(Buffer.from("last"));
    vi.advanceTimersByTime(IDLE_MS);
    await untilOnDisk("f", 300_009);
    await writer.commit();
    expect(readFileSync(join(folder, "f")).equals(Buffer.concat([first, Buffer.from("laterlast")]))).toBe(
      true,
    );
  });

  it("holds no buffer: the next writer uses the same one", async () => {
    const allocate = vi.spyOn(Buffer, "allocUnsafeSlow");
    const driver = new FilesystemDriver({ rootDirectory: folder });
    const writers = [];
    for (let index = 0; index < 20; index++) {
      const writer = await driver.openWriter(`/${index}`, { append: true });
      writers.push(writer);
      await writer.write(Buffer.alloc(1000));
      vi.advanceTimersByTime(IDLE_MS);
      await untilOnDisk(String(index), 1000);
    }
    expect(allocate.mock.calls.length).toBeLessThanOrEqual(2);
    for (const writer of writers) await writer.close();
  });

  it("tells at the next call that its bytes could not be written", async () => {
    let tried = false;
    const driver = new FilesystemDriver({
      rootDirectory: folder,
      fs: {
        ...nodeFs,
        open: async (path, mode) => ({
          ...(await nodeFs.open(path, mode)),
          write: async () => {
            tried = true;
            throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
          },
        }),
      },
    });
    const writer = await driver.openWriter("/f", { append: true });
    await writer.write(Buffer.from("lost"));
    vi.advanceTimersByTime(IDLE_MS);
    while (!tried) await setImmediate();
    await setImmediate();
    expect(writer.sizeBytes).toBe(0);
    await expect(writer.write(Buffer.from("more"))).rejects.toMatchObject({ code: "ERR_STORAGE_FULL" });
    await writer.cancel();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("writes nothing more once it is cancelled", async () => {
    const driver = new FilesystemDriver({ rootDirectory: folder });
    const writer = await driver.openWriter("/f", { append: true });
    await writer.write(Buffer.from("given up"));
    await writer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
  });
});
