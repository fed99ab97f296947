import { randomUUID } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand } from "@aws-sdk/client-s3";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { createS3Store } from "../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../src/storage/s3/s3-driver.ts";
import type { TestBucket } from "../support/ceph/test-bucket.ts";
import type { S3Server } from "../support/s3-server/s3-server.ts";
import type { AbilityName } from "./cases/ability-guards.ts";
import type { OpenStore } from "./cases/store-under-test.ts";

/** Puts something around a driver; for a read-only wrapper the plain driver makes the files. */
export interface Wrapping {
  wrap: (driver: StorageDriver) => StorageDriver;
  seedWithPlain?: boolean;
}

/** What the memory driver can. */
export const MEMORY_ABILITIES: readonly AbilityName[] = [
  "Scannable",
  "NameListing",
  "SmallReads",
  "BulkDelete",
  "ExclusiveCreate",
  "StoreClock",
  "SettableTimes",
];

/** What the filesystem driver can: everything. */
export const FILESYSTEM_ABILITIES: readonly AbilityName[] = [
  ...MEMORY_ABILITIES,
  "SynchronousFolders",
  "FastReads",
  "EmptyFolders",
  "DurableRemovals",
  "TemporaryFiles",
  "SpaceLeft",
];

/** What the S3 driver can. */
export const S3_ABILITIES: readonly AbilityName[] = [
  "Scannable",
  "NameListing",
  "BulkDelete",
  "ExclusiveCreate",
  "StoreClock",
  "FileLookup",
  "PresignedReads",
  "UnfinishedWrites",
  "CopyingMoves",
  "RequestCounts",
  "BusyAnswers",
  "VersionedFiles",
  "ReachabilityCheck",
  "CopiesFrom",
  "UndecidedChanges",
  "WritesOver",
];

/** So many bytes a part has: the fewest that S3 takes. */
const PART_BYTES = 5 * 1024 * 1024;
/** More than two parts. */
export const S3_LARGE_BYTES = 2 * PART_BYTES + 1024 * 1024 + 1;

/** A new store in memory. */
export async function openMemoryStore(wrapping?: Wrapping): Promise<OpenStore> {
  const plain = new MemoryDriver();
  return {
    driver: wrapping ? wrapping.wrap(plain) : plain,
    ...(wrapping?.seedWithPlain ? { seed: plain } : {}),
    leftovers: async () => (await plain.list("/")).map((file) => file.path),
    close: async () => undefined,
  };
}

/** A new store in a temporary folder. */
export async function openFilesystemStore(wrapping?: Wrapping): Promise<OpenStore> {
  const rootDirectory = await mkdtemp(join(tmpdir(), "registry-ctl-contract-"));
  const plain = new FilesystemDriver({ rootDirectory });
  return {
    driver: wrapping ? wrapping.wrap(plain) : plain,
    ...(wrapping?.seedWithPlain ? { seed: plain } : {}),
    leftovers: async () => {
      const entries = await readdir(rootDirectory, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name));
    },
    close: () => rm(rootDirectory, { recursive: true }),
  };
}

/** Small parts, so that a large file has several of them. */
const SMALL_PARTS = {
  chunkBytes: PART_BYTES,
  copy: { chunkBytes: PART_BYTES, concurrency: 2, thresholdBytes: PART_BYTES },
};

/** A new bucket of a server of ours; the store begins at a root directory in it. */
export async function openS3StoreInMemory(server: S3Server, wrapping?: Wrapping): Promise<OpenStore> {
  const bucket = server.bucket(`contract-${randomUUID()}`);
  const settings = server.settings(bucket.name, { rootDirectory: "root/of/all", ...SMALL_PARTS });
  return {
    ...wrapped(new S3Driver(createS3Store(settings)), wrapping),
    leftovers: async () => [
      ...bucket.objects.keys(),
      ...[...bucket.uploads.values()].map(({ key, uploadId }) => `${key}?uploadId=${uploadId}`),
    ],
    close: async () => {
      bucket.objects.clear();
      bucket.uploads.clear();
    },
  };
}

/** A bucket of a real server. The stores of all tests follow each other in it. */
export async function openS3Store(bucket: TestBucket, wrapping?: Wrapping): Promise<OpenStore> {
  return {
    ...wrapped(new S3Driver(createS3Store(bucket.settings(SMALL_PARTS))), wrapping),
    leftovers: async () => {
      const { Uploads = [] } = await bucket.client.send(
        new ListMultipartUploadsCommand({ Bucket: bucket.name }),
      );
      return [
        ...(await bucket.listKeys()),
        ...Uploads.map(({ Key, UploadId }) => `${Key}?uploadId=${UploadId}`),
      ];
    },
    close: async () => undefined,
  };
}

function wrapped(plain: StorageDriver, wrapping: Wrapping | undefined): Pick<OpenStore, "driver" | "seed"> {
  return {
    driver: wrapping ? wrapping.wrap(plain) : plain,
    ...(wrapping?.seedWithPlain ? { seed: plain } : {}),
  };
}
