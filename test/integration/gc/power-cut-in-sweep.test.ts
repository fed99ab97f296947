import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect } from "../../support/collect.ts";
import { type FsChange, recordingFs } from "../../support/recording-fs.ts";
import { RegistryTree } from "../../support/registry-tree.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
});

afterEach(() => rm(folder, { recursive: true }));

function isRemoval(change: FsChange): change is FsChange & { kind: "unlink" | "rmdir" } {
  return change.kind === "unlink" || change.kind === "rmdir";
}

it("makes the removal of every link that a pull can follow durable before it removes the first blob", async () => {
  const { fs, log } = recordingFs();
  const driver = new FilesystemDriver({ rootDirectory: folder, fs });
  const tree = new RegistryTree(driver);
  const app = tree.repository("app");
  await app.index([await app.image("1", ["a"]), await app.image("2", ["b"])], { tag: "v1" });
  await app.image("now", ["c"], { tag: "v1" });
  await tree.repository("team/emptied").image("3", ["d"]);
  log.length = 0;

  await collect(driver, { deleteUntagged: true });

  const firstBlob = log.findIndex((change) => isRemoval(change) && change.path.includes("/blobs/"));
  expect(firstBlob).toBeGreaterThan(0);
  const before = log.slice(0, firstBlob);
  const removals = before.flatMap((change, at) => (isRemoval(change) ? [{ path: change.path, at }] : []));
  const links = removals.filter(({ path }) => path.includes("/repositories/"));
  expect(links.length).toBeGreaterThan(10);
  // No pull ever looks at what a tag pointed to before.
  const followed = links.filter(({ path }) => !path.includes("/index/") && path.endsWith("/link"));
  expect(followed.length).toBeGreaterThan(5);
  for (const { path, at } of followed) {
    // Whatever is above it and is removed too takes it along.
    const above = links.filter((other) => path === other.path || path.startsWith(`${other.path}/`));
    const highest = above.reduce((a, b) => (a.path.length < b.path.length ? a : b));
    const synced = before.findIndex(
      (change, index) =>
        index > Math.max(at, highest.at) &&
        change.kind === "beginSyncFolder" &&
        change.path === dirname(highest.path),
    );
    const change = before[synced];
    const sync = change?.kind === "beginSyncFolder" ? change.sync : -1;
    expect(
      before.some((end) => end.kind === "endSync" && end.sync === sync),
      highest.path,
    ).toBe(true);
  }
});
