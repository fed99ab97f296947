import { join } from "node:path";
import { expect, it } from "vitest";
import { measureBigBlob } from "../support/measure-big-blob.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MEBIBYTE = 1024 * 1024;
const SIZE_BYTES = 2048 * MEBIBYTE;

it("pushes and pulls a 2 GiB blob while all its processes grow by less than 100 MiB", {
  timeout: 180_000,
}, async () => {
  const server = await startServe({ rootDirectory: join(await temporaryFolder(), "registry") });
  try {
    const report = await measureBigBlob(server, SIZE_BYTES);

    expect(report.sizeBytes).toBe(SIZE_BYTES);
    expect(report.pulledDigest).toBe(report.pushedDigest);
    expect((report.pushPeakBytes - report.idleBytes) / MEBIBYTE).toBeLessThan(100);
    expect((report.pullPeakBytes - report.idleBytes) / MEBIBYTE).toBeLessThan(100);
  } finally {
    await server.stop();
  }
});
