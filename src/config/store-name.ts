import { resolve } from "node:path";
import type { StorageSettings } from "./settings.ts";

/** @returns what people call a store: its folder, `s3://bucket/folder` or `inmemory` */
export function storeName(storage: StorageSettings): string {
  switch (storage.driver) {
    case "filesystem":
      return resolve(storage.rootDirectory);
    case "inmemory":
      return "inmemory";
    case "s3":
    case "s3_v2":
      return `s3://${storage.bucket}${storage.rootDirectory === "" ? "" : `/${storage.rootDirectory}`}`;
  }
}
