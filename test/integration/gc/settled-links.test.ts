import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../src/errors.ts";
import type { GarbageOptions } from "../../../src/operations/gc/garbage-options.ts";
import { PlannedStop } from "../../../src/operations/gc/planned-stop.ts";
import { revisionFolderPath } from "../../../src/registry/paths.ts";
import { GarbageJournal } from "../../../src/state/journal.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect } from "../../support/collect.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** Tells which folders were settled, and fails to as long as the test says so. */
class WatchedDriver extends FilesystemDriver {
  readonly settled: string[] = [];
  isBroken = false;

  override async settleRemovals(folders: Iterable<string>): Promise<void> {
    if (this.isBroken) throw new Error("EIO");
    this.settled.push(...folders);
  }
}

let root: string;
let driver: WatchedDriver;
let linkFolder: string;

beforeEach(async () => {
  root = await temporaryFolder();
  driver = new WatchedDriver({ rootDirectory: join(root, "store") });
  const app = new RegistryTree(driver).repository("app");
  await app.image("kept", [], { tag: "v1" });
  const dead = await app.image("dead", ["layer"]);
  linkFolder = dirname(revisionFolderPath("app", dead.digest));
});

function run(options: Partial<GarbageOptions> = {}, probe?: () => Promise<{ kind: "nobody" }>) {
  const journal = new GarbageJournal({ folder: join(root, "journals"), version: "1.2.3" });
  return collect(driver, { deleteUntagged: true, ...options }, { journal, ...(probe && { probe }) });
}

/* A later run finds the links gone and removes the blobs: then no power cut may bring the links back. */
describe("what was removed of links before a run ends early stays removed", () => {
  it("when it is stopped", async () => {
    const stop = new AbortController();
    const onProgress: GarbageOptions["onProgress"] = (event) => {
      if (event.step === "sweep" && event.phase === "manifests") stop.abort(new PlannedStop("stop"));
    };
    const report = await run({ signal: stop.signal, onProgress });
    expect(report.stopped).toEqual({ kind: "stop", phase: "layer links" });
    expect(driver.settled).toEqual([linkFolder]);
  });

  it("when it fails", async () => {
    const onProgress: GarbageOptions["onProgress"] = (event) => {
      if (event.step === "sweep" && event.phase === "manifests")
        throw new RegistryStateError("it takes writes");
    };
    await expect(run({ onProgress })).rejects.toThrow("it takes writes");
    expect(driver.settled).toEqual([linkFolder]);
  });

  it("before what it refers to goes", async () => {
    const settledBefore: Record<string, string[]> = {};
    const onProgress: GarbageOptions["onProgress"] = (event) => {
      if (event.step === "sweep") settledBefore[event.phase] ??= [...driver.settled];
    };
    await run({ onProgress });
    expect(settledBefore["manifests"]).toEqual([]);
    expect(settledBefore["layer links"]).toEqual([linkFolder]);
  });

  it("by the next run where that failed too", async () => {
    driver.isBroken = true;
    await expect(run()).rejects.toThrow("EIO");
    driver.isBroken = false;

    const { warnings, deleted } = await run();

    expect(driver.settled).toContain(linkFolder);
    expect(warnings).toEqual([
      expect.stringContaining("failed while it removed manifests; this run finishes it"),
    ]);
    expect(deleted.blobs).toBe(3);
    expect((await run()).warnings).toEqual([]);
  });
});
