import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { StorageFullError } from "../../../../src/errors.ts";
import type { FileWriter } from "../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { mountSmallDisk, type SmallDisk } from "../../../support/small-disk.ts";

describe("a full disk", () => {
  let disk: SmallDisk | undefined;
  afterEach(() => {
    disk?.unmount();
    disk = undefined;
  });

  const filesOn = (mounted: SmallDisk) => readdirSync(mounted.path, { recursive: true }).map(String).sort();
  async function fill(writer: FileWriter): Promise<void> {
    for (let written = 0; written < 4_000_000; written += 100_000)
      await writer.write(new Uint8Array(100_000));
    await writer.commit();
  }

  it("fails a put, keeps the old content and leaves nothing behind", async ({ skip }) => {
    disk = mountSmallDisk("size=1m");
    if (!disk) return skip();
    const driver = new FilesystemDriver({ rootDirectory: disk.path });
    await driver.put("/f", Buffer.from("old content"));
    const put = driver.put("/f", new Uint8Array(2_000_000));
    await expect(put).rejects.toThrow(StorageFullError);
    await expect(put).rejects.toThrow(join(disk.path, "f"));
    expect(Buffer.from(await driver.get("/f")).toString()).toBe("old content");
    expect(filesOn(disk)).toEqual(["f"]);
  });

  it("fails a writer, shows nothing and frees the room at cancel", async ({ skip }) => {
    disk = mountSmallDisk("size=1m");
    if (!disk) return skip();
    const driver = new FilesystemDriver({ rootDirectory: disk.path });
    for (const append of [false, true]) {
      const writer = await driver.openWriter("/u/data", { append });
      await expect(fill(writer)).rejects.toThrow(StorageFullError);
      await expect(writer.write(new Uint8Array(1))).rejects.toThrow(StorageFullError);
      await expect(writer.commit()).rejects.toThrow(StorageFullError);
      await writer.cancel();
      expect(filesOn(disk)).toEqual(["u"]);
      await driver.put("/f", new Uint8Array(500_000));
      await driver.delete("/f");
    }
  });

  it("tells after a failure how much an appending writer has surely stored", async ({ skip }) => {
    disk = mountSmallDisk("size=1m");
    if (!disk) return skip();
    const driver = new FilesystemDriver({ rootDirectory: disk.path });
    const writer = await driver.openWriter("/u/data", { append: true });
    await expect(fill(writer)).rejects.toThrow(StorageFullError);
    const { sizeBytes } = writer;
    await expect(writer.close()).rejects.toThrow(StorageFullError);
    expect(sizeBytes).toBeGreaterThan(0);
    expect((await driver.stat("/u/data")).sizeBytes).toBeGreaterThanOrEqual(sizeBytes);
  });

  it("is a full disk too when only the inodes are used up, and still tells the time", async ({ skip }) => {
    disk = mountSmallDisk("size=1m,nr_inodes=20");
    if (!disk) return skip();
    const driver = new FilesystemDriver({ rootDirectory: disk.path });
    await driver.put("/f", Buffer.from("kept"));
    expect(() => {
      for (let index = 0; index < 30; index++) writeFileSync(join(disk?.path ?? "", `filler-${index}`), "");
    }).toThrow("ENOSPC");
    await expect(driver.put("/f", Buffer.from("new"))).rejects.toThrow(StorageFullError);
    await expect(driver.put("/new/f", Buffer.from("new"))).rejects.toThrow(StorageFullError);
    await expect(driver.openWriter("/g", { append: true })).rejects.toThrow(StorageFullError);
    await expect(driver.putIfAbsent("/lock", Buffer.from("x"))).rejects.toThrow(StorageFullError);
    expect(Buffer.from(await driver.get("/f")).toString()).toBe("kept");
    expect(filesOn(disk).filter((name) => !name.startsWith("filler"))).toEqual(["f"]);
    expect(await driver.now()).toBeGreaterThan(0);
  });
});
