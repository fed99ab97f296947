import { RegistryCtlError } from "../../errors.ts";
import { S3RequestError } from "./s3-lane.ts";
import type { S3Store } from "./s3-store.ts";

/**
 * Runs something that asks S3, and makes one of our errors of whatever it throws.
 *
 * @param operation - a verb, for the message
 * @param path - in the store
 */
export async function callS3<T>(
  store: S3Store,
  operation: string,
  path: string,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw error instanceof RegistryCtlError ? error : store.translate(error, operation, path);
  }
}

/** Tells whether S3 has answered that there is no such object; the bucket is there. */
export function isMissingObject(error: unknown): boolean {
  return error instanceof S3RequestError && error.status === 404 && error.code !== "NoSuchBucket";
}

/** @returns what the keys of everything in a folder begin with; empty for the root of a whole bucket */
export function folderPrefix(store: S3Store, path: string): string {
  return path === "/" ? store.keyOf("/x").slice(0, -1) : `${store.keyOf(path)}/`;
}
