import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { forEachConcurrently } from "../src/lib/for-each-concurrently.ts";
import { digestOf } from "../src/oci/digest.ts";
import { deleteTags } from "../src/operations/tags/delete-tags.ts";
import { openTagRecorder } from "../src/operations/tags/record-untagged.ts";
import { StoreTags } from "../src/operations/tags/store-tags.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath } from "../src/registry/paths.ts";
import { countsRequests } from "../src/storage/object-store-abilities.ts";
import { openDriver } from "../src/storage/open-driver.ts";
import { makeBucket } from "../test/support/ceph/test-bucket.ts";
import { runRegistryCtl } from "../test/support/run-registry-ctl.ts";
import { TagTree } from "../test/support/tag-tree.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { withGateway } from "./s3/with-gateway.ts";

const REPOSITORY = "group/app";
const TAGS = 10_000;
const MAX_DISK_SECONDS = 10;
/** So many objects are written at once. */
const WRITERS = 64;

const names = Array.from({ length: TAGS }, (_, number) => `v${number}`);
const going = names.filter((_, number) => number % 2 === 0);

/**
 * Measures the deletion of 5,000 of 10,000 tags of one repository: the seconds that the program takes on a disk and, with
 * `--s3`, the requests on a bucket of a gateway of its own. Exit code 1 if a target is missed.
 *
 * @param args - `--folder FOLDER` for the store on a disk; `--s3`
 */
export async function tags(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: { folder: { type: "string", default: "/tmp" }, s3: { type: "boolean", default: false } },
  });
  await withWorkFolder(values.folder, async (folder, signal) => {
    await buildIfNeeded(signal, (step) => console.error(step));
    await onDisk(folder);
  });
  if (values.s3) await onBucket();
}

async function onDisk(folder: string): Promise<void> {
  const tree = new TagTree(join(folder, "store"), REPOSITORY);
  for (const name of names) tree.tag(name, tree.image(name));
  const list = join(folder, "list");
  writeFileSync(list, going.join("\n"));
  const beganMs = performance.now();
  const { exitCode, stderr } = await runRegistryCtl(
    ["tags", "delete", "-c", tree.config(), "--yes", "--from-file", list, REPOSITORY],
    { env: { REGISTRY_CTL_STATE_DIR: join(folder, "state") } },
  );
  const seconds = (performance.now() - beganMs) / 1000;
  if (exitCode !== 0) throw new Error(stderr);
  tell("on a disk, the program's start included", `${seconds.toFixed(2)} s`, `${MAX_DISK_SECONDS} s`);
  if (seconds >= MAX_DISK_SECONDS) process.exitCode = 1;
}

async function onBucket(): Promise<void> {
  await withGateway("18.2", async (rgw) => {
    const bucket = await makeBucket(rgw);
    const driver = await openDriver(bucket.settings(), { readOnly: false, env: process.env });
    if (!countsRequests(driver)) throw new Error("the driver counts no requests");
    await forEachConcurrently(names, WRITERS, async (name) => {
      const digest = digestOf(Buffer.from(name));
      const link = Buffer.from(digest);
      await driver.put(tagHistoryLinkPath(REPOSITORY, name, digest), link);
      await driver.put(tagCurrentLinkPath(REPOSITORY, name), link);
    });
    const sum = (): number => Object.values(driver.requests).reduce((all, count) => all + count, 0);
    const recorder = openTagRecorder({
      ...{ stateFolder: undefined, command: "bench", ranBy: { uid: 0 }, onProblem: () => {} },
    });
    let planned = 0;
    const before = sum();
    const { deleted } = await deleteTags(
      { source: new StoreTags(driver, recorder), nowMs: Date.now, deletions: undefined },
      {
        ...{ repository: REPOSITORY, protectedImages: undefined, dryRun: false, ratePerSecond: undefined },
        ...{ attempts: 1, onOutcome: () => {}, onProgress: () => {}, onWait: () => {} },
        selection: { names: { names: going, duplicates: [], invalid: [] } },
        confirm: async () => {
          planned = sum() - before;
        },
      },
    );
    if (deleted !== going.length) throw new Error(`${deleted} tags were deleted`);
    const requests = sum() - before - planned;
    const most = ((2 * going.length) / 1000) * 1.2 + 50;
    tell(`on S3, after ${planned} requests to plan`, `${requests} requests`, `${most} requests`);
    if (requests > most) process.exitCode = 1;
  });
}

function tell(where: string, took: string, most: string): void {
  console.log(`deleting ${going.length} of ${TAGS} tags ${where}: ${took} (target: at most ${most})`);
}
