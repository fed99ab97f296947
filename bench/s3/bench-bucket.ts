import { join } from "node:path";
import { createS3Store } from "../../src/storage/s3/create-s3-store.ts";
import { bucketStorage } from "../../test/support/ceph/bucket-storage.ts";
import type { RgwAddress } from "../../test/support/ceph/start-rgw.ts";
import { makeBucket, type TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { findFreePort } from "../../test/support/free-port.ts";
import { writeServeConfig } from "../../test/support/serve-process.ts";
import type { Store } from "../gc/measured-programs.ts";
import { treeFiles } from "../gc/tree-files.ts";
import type { TreeShape } from "../gc/tree-shape.ts";

/** So many objects are written at once. */
const WRITERS = 64;

/** Keys begin with it, as the config files of the bench say. */
const ROOT = "images";

/** A bucket with a tree in it. */
export interface TreeBucket {
  readonly bucket: TestBucket;
  readonly objects: number;
}

/**
 * Makes a bucket and writes a tree into it, object by object.
 *
 * @throws {Error} if the gateway refuses one, or by `signal`; the bucket is left to the end of its gateway then
 */
export async function makeTreeBucket(
  rgw: RgwAddress,
  shape: TreeShape,
  signal: AbortSignal,
): Promise<TreeBucket> {
  const bucket = await makeBucket(rgw);
  const { lane } = createS3Store(bucket.settings({ rootDirectory: ROOT }));
  const files = treeFiles(shape);
  let objects = 0;
  const write = async (): Promise<void> => {
    for (const { path, content } of files) {
      signal.throwIfAborted();
      await lane.send({ method: "PUT", key: `${ROOT}${path}`, body: Buffer.from(content) });
      objects++;
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, write));
  return { bucket, objects };
}

/**
 * Names a bucket as a store, for both programs.
 *
 * @param folder - where its config file goes
 * @param endpoint - another way to its gateway
 */
export async function describeBucket(
  bucket: TestBucket,
  folder: string,
  endpoint: string = bucket.endpoint,
): Promise<Store> {
  const root = join(folder, `${bucket.name}-${new URL(endpoint).port}`);
  const storage = bucketStorage({ ...bucket, endpoint }, { more: { rootdirectory: `/${ROOT}` } });
  return {
    root,
    configPath: await writeServeConfig({ rootDirectory: root, port: await findFreePort(), storage }),
  };
}

/** Settings of a driver for a bucket of the bench. */
export function benchSettings(bucket: TestBucket) {
  return bucket.settings({ rootDirectory: ROOT });
}
