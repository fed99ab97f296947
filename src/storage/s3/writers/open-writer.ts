import { CancelledError } from "../../../errors.ts";
import type { FileWriter, WriterOptions } from "../../driver.ts";
import { callS3 } from "../s3-call.ts";
import type { S3Store } from "../s3-store.ts";
import { AppendWriter } from "./append-writer.ts";
import { DirectWriter } from "./direct-writer.ts";
import { type PartBudget, processBudget } from "./part-budget.ts";
import { readUnfinished } from "./read-unfinished.ts";

/** What tests make smaller. */
export interface WriterBounds {
  budget?: PartBudget;
  /** How many parts an upload may have. */
  maxParts?: number;
}

/**
 * Opens a writer; see {@link import("../../driver.ts").StorageDriver.openWriter}. One that appends looks at what there is
 * and changes nothing before its first byte.
 */
export async function openS3Writer(
  store: S3Store,
  path: string,
  options: WriterOptions = {},
  bounds: WriterBounds = {},
): Promise<FileWriter> {
  const { append = false, expectedBytes, signal } = options;
  if (signal?.aborted) throw new CancelledError();
  const { budget = processBudget, maxParts } = bounds;
  const parts = { store, path, budget, signal, maxParts };
  if (!append) return new DirectWriter(parts, expectedBytes);
  return new AppendWriter(await callS3(store, "look at", path, () => readUnfinished(store, path)), parts);
}
