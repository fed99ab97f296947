import { realpathSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import type { StorageSettings } from "../config/settings.ts";

const AWS = "amazonaws.com";

/**
 * A text that is the same for every configuration that names the same store, by whatever path, also before the store
 * exists; for a store in memory it says nothing.
 */
export function storeIdentity(storage: StorageSettings): string {
  switch (storage.driver) {
    case "filesystem":
      return `filesystem:${realLocation(resolve(storage.rootDirectory))}`;
    case "inmemory":
      return "inmemory:";
    case "s3":
    case "s3_v2":
      return `s3://${hostOf(storage.endpoint)}/${storage.bucket}/${storage.rootDirectory}`;
  }
}

/** @returns a text that begins with that of every store in which this one lies; undefined for one in memory */
export function storePlace(storage: StorageSettings): string | undefined {
  if (storage.driver === "inmemory") return undefined;
  const identity = storeIdentity(storage);
  return identity.endsWith("/") ? identity : `${identity}/`;
}

/** AWS has many names, in which a bucket is always the same. */
function hostOf(endpoint: string): string {
  if (endpoint === "") return AWS;
  const { host, hostname } = new URL(endpoint);
  return /(^|\.)amazonaws\.com(\.cn)?$/.test(hostname) ? AWS : host;
}

function realLocation(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path === dirname(path) ? path : join(realLocation(dirname(path)), basename(path));
  }
}
