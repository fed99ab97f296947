import { afterAll, beforeAll } from "vitest";
import { readOnlyDriver } from "../../src/storage/wrappers/read-only/read-only-driver.ts";
import { timesDriver } from "../../src/storage/wrappers/times/times-driver.ts";
import { type S3Server, startS3Server } from "../support/s3-server/s3-server.ts";
import type { OpenStore } from "./cases/store-under-test.ts";
import { openS3StoreInMemory, S3_ABILITIES, S3_LARGE_BYTES, type Wrapping } from "./open-stores.ts";
import { describeStorageDriver } from "./storage-driver.ts";

let server: S3Server | undefined;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(async () => {
  await server?.close();
});

function open(wrapping?: Wrapping): Promise<OpenStore> {
  if (server === undefined) throw new Error("the server has not been started");
  return openS3StoreInMemory(server, wrapping);
}

describeStorageDriver("s3 on a server in memory", {
  open: () => open(),
  largeBytes: S3_LARGE_BYTES,
  abilities: S3_ABILITIES,
  supports: { folders: false },
});

describeStorageDriver("original times over s3 on a server in memory", {
  open: () => open({ wrap: (driver) => timesDriver(driver, async () => ({ originalMs: (_, ms) => ms })) }),
  largeBytes: S3_LARGE_BYTES,
  abilities: S3_ABILITIES,
  supports: { folders: false },
});

describeStorageDriver("read-only over s3 on a server in memory", {
  open: () => open({ wrap: readOnlyDriver, seedWithPlain: true }),
  largeBytes: S3_LARGE_BYTES,
  abilities: S3_ABILITIES,
  supports: { changes: false, folders: false },
});
