import { createRequire, syncBuiltinESMExports } from "node:module";
import { Worker } from "node:worker_threads";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { StoreThreads } from "../../../src/registry/threads/store-threads.ts";
import { openDriver as openInSource } from "../../../src/storage/open-driver.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DIST = new URL("../../../dist/", import.meta.url);
/** The name of the import follows what `setWorker` sets. */
const RealWorker = Worker;

async function startThreads(count: number): Promise<StoreThreads> {
  const { openDriver } = await import(new URL("storage/open-driver.js", DIST).href);
  const built = await import(new URL("registry/threads/store-threads.js", DIST).href);
  const rootDirectory = await temporaryFolder();
  const driver = await openDriver({ driver: "filesystem", rootDirectory, maxThreads: 10 });
  return built.StoreThreads.for(driver, count);
}

/** What every module gets as `Worker` from now on. */
function setWorker(replacement: typeof Worker): void {
  createRequire(import.meta.url)("node:worker_threads").Worker = replacement;
  syncBuiltinESMExports();
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

  it("rejects everything when a thread dies in the middle of its work", async () => {
    const threads = await startThreads(2);
    expect(await threads.run("listBlobs", ["ab"])).toEqual([undefined]);
    const post = vi.spyOn(Worker.prototype, "postMessage").mockImplementationOnce(function (this: Worker) {
      void this.terminate();
    });
    onTestFinished(() => post.mockRestore());

    const tasks = Array.from({ length: 20 }, () => threads.run("listBlobs", ["ab"]));

    const ended = await Promise.allSettled(tasks);
    expect(ended[0]).toMatchObject({ reason: new Error("a worker thread ended with code 1") });
    await expect(threads.run("listBlobs", ["ab"])).rejects.toThrow("ended with code 1");
    await threads.close();
  });

  it.each([0, 1, 2])("does with %d threads where no more can be started", async (possible) => {
    const threads = await startThreads(4);
    let started = 0;
    class LimitedWorker extends RealWorker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        if (started === possible) throw new Error("EAGAIN");
        super(...args);
        started++;
      }
    }
    setWorker(LimitedWorker);
    onTestFinished(() => setWorker(RealWorker));

    const tasks = Array.from({ length: 20 }, () => threads.run("listBlobs", ["ab"]));

    expect(await Promise.all(tasks)).toEqual(tasks.map(() => [undefined]));
    expect(started).toBe(possible);
    await threads.close();
  });

  it("does not start for drivers that have nothing for them", () => {
    expect(openInSource({ driver: "inmemory" })).not.toHaveProperty("openedWith");
  });
});
