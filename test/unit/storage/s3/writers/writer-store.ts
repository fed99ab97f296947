import { onTestFinished } from "vitest";
import type { S3StorageSettings } from "../../../../../src/config/settings.ts";
import type { FileWriter, WriterOptions } from "../../../../../src/storage/driver.ts";
import { createS3Store } from "../../../../../src/storage/s3/create-s3-store.ts";
import type { S3Store } from "../../../../../src/storage/s3/s3-store.ts";
import { openS3Writer, type WriterBounds } from "../../../../../src/storage/s3/writers/open-writer.ts";
import { PartBudget } from "../../../../../src/storage/s3/writers/part-budget.ts";
import type { StoredUpload } from "../../../../support/s3-server/bucket.ts";
import {
  type S3Server,
  type S3ServerOptions,
  startS3Server,
} from "../../../../support/s3-server/s3-server.ts";

export const MIB = 1024 * 1024;

/** A bucket in memory with the smallest parts, and writers on it. */
export interface WriterStore {
  s3: S3Server;
  store: S3Store;
  budget: PartBudget;
  open(path: string, options?: WriterOptions, bounds?: WriterBounds): Promise<FileWriter>;
  /** What the bucket has: its keys, in order. */
  keys(): string[];
  body(key: string): Buffer | undefined;
  uploads(): StoredUpload[];
  /** Operations so far, with what their key ends in, and the part's number. */
  requests(): string[];
}

/** Opens a bucket for the time of a test. */
export async function writerStore(
  options: S3ServerOptions = {},
  settings: Partial<S3StorageSettings> = {},
): Promise<WriterStore> {
  const s3 = await startS3Server(options);
  onTestFinished(() => s3.close());
  const store = createS3Store(s3.settings("registry", { chunkBytes: 5 * MIB, maxRetries: 3, ...settings }), {
    sleep: async () => undefined,
  });
  const budget = new PartBudget();
  return {
    ...{ s3, store, budget },
    open: (path, writer, bounds) => openS3Writer(store, path, writer, { budget, ...bounds }),
    keys: () => [...s3.objects("registry").keys()].sort(),
    body: (key) => s3.objects("registry").get(key)?.body,
    uploads: () => [...s3.uploads("registry").values()],
    requests: () =>
      s3.requests.map(({ operation, key, query }) =>
        [operation, key.split("/").slice(-2).join("/"), query.get("partNumber") ?? ""].join(" ").trim(),
      ),
  };
}

/** Writes in chunks that fit into no part evenly. */
export async function writeAll(writer: FileWriter, content: Uint8Array, chunkBytes = 300_007): Promise<void> {
  for (let at = 0; at < content.length; at += chunkBytes) {
    await writer.write(content.subarray(at, at + chunkBytes));
  }
}
