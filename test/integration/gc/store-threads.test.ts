import { describe, expect, it } from "vitest";
import type { StoreThreads } from "../../../src/registry/threads/store-threads.ts";
import { openDriver as openInSource } from "../../../src/storage/open-driver.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DIST = new URL("../../../dist/", import.meta.url);

async function startThreads(count: number): Promise<StoreThreads> {
  const { openDriver } = await import(new URL("storage/open-driver.js", DIST).href);
  const built = await import(new URL("registry/threads/store-threads.js", DIST).href);
  const rootDirectory = await temporaryFolder();
  return built.StoreThreads.for(openDriver({ driver: "filesystem", rootDirectory, maxThreads: 10 }), count);
}

describe("StoreThreads", () => {
  it("does many tasks in any number of threads", async () => {
    for (const count of [0, 1, 3]) {
      const threads = await startThreads(count);
      const digests = new Uint8Array(32 * 100);
      const results = await Promise.all(
        Array.from({ length: 50 }, () => threads.run("readManifests", digests)),
      );
      expect(results.every(({ lengths }) => lengths.length === 100)).toBe(true);
      await threads.close();
    }
  });

  it("rejects what is under way when it is closed, and what comes after", async () => {
    const threads = await startThreads(2);
    const running = Array.from({ length: 10 }, () => threads.run("listBlobs", ["ab"]));
    const ended = Promise.allSettled(running);
    await threads.close();

    for (const { status } of await ended) expect(status).toMatch(/fulfilled|rejected/);
    await expect(threads.run("listBlobs", ["ab"])).rejects.toThrow("ended");
  });

  it("rejects a task that throws, and goes on with the others", async () => {
    const threads = await startThreads(1);
    const broken = threads.run("listBlobs", undefined as never);
    await expect(broken).rejects.toThrow("a worker thread failed");
    expect(await threads.run("listBlobs", ["ab"])).toEqual([undefined]);
    await threads.close();
  });

  it("does not start for drivers that have nothing for them", () => {
    expect(openInSource({ driver: "inmemory" })).not.toHaveProperty("openedWith");
  });
});
