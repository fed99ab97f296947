import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../src/errors.ts";
import { requireStore } from "../../../src/process/require-store.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { bucketSettings } from "../../support/bucket-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("requireStore", () => {
  it("makes the root folder, unless nothing may be written", async () => {
    const rootDirectory = join(await temporaryFolder(), "store");
    const settings = { driver: "filesystem", rootDirectory, maxThreads: 100 } as const;
    const driver = new FilesystemDriver({ rootDirectory });
    await requireStore(settings, driver, true);
    expect(existsSync(rootDirectory)).toBe(false);
    await requireStore(settings, driver, false);
    expect(existsSync(rootDirectory)).toBe(true);
  });

  it("asks a driver that can tell whether it will work, and for no more than is needed", async () => {
    const asked: boolean[] = [];
    const driver = Object.assign(new MemoryDriver(), {
      checkReachable: async (readOnly: boolean) => {
        asked.push(readOnly);
        if (!readOnly) throw new StorageUnavailableError("there is no bucket registry");
      },
    });
    await requireStore(bucketSettings(), driver, true);
    await expect(requireStore(bucketSettings(), driver, false)).rejects.toThrow(
      "there is no bucket registry",
    );
    expect(asked).toEqual([true, false]);
  });
});
