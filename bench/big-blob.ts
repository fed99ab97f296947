import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureBigBlob } from "../test/support/measure-big-blob.ts";
import { startServe } from "../test/support/serve-process.ts";

const MEBIBYTE = 1024 * 1024;
const DEFAULT_SIZE_GIB = 20;
const MAX_GROWTH_MIB = 100;

/**
 * Pushes and pulls one blob and measures the memory of all the server's processes together.
 *
 * @param args - the blob's size in GiB (20 by default) and the folder to store it in (temporary by default)
 * @throws {Error} if the blob comes back different, or memory grows by 100 MiB or more over idle
 */
export async function run(args: readonly string[]): Promise<void> {
  const sizeBytes = Number(args[0] ?? DEFAULT_SIZE_GIB) * 1024 * MEBIBYTE;
  const folder = await mkdtemp(join(args[1] ?? tmpdir(), "registry-ctl-big-blob-"));
  const server = await startServe({ rootDirectory: join(folder, "registry") });
  try {
    const report = await measureBigBlob(server, sizeBytes);
    const pushGrowth = (report.pushPeakBytes - report.idleBytes) / MEBIBYTE;
    const pullGrowth = (report.pullPeakBytes - report.idleBytes) / MEBIBYTE;
    const rate = (seconds: number) => `${Math.round(sizeBytes / MEBIBYTE / seconds)} MiB/s`;
    process.stdout.write(
      [
        `blob          ${sizeBytes / MEBIBYTE} MiB`,
        `idle          ${Math.round(report.idleBytes / MEBIBYTE)} MiB (all processes)`,
        `push          ${rate(report.pushSeconds)}, memory grew by ${Math.round(pushGrowth)} MiB`,
        `pull          ${rate(report.pullSeconds)}, memory grew by ${Math.round(pullGrowth)} MiB`,
        "",
      ].join("\n"),
    );
    if (report.pulledDigest !== report.pushedDigest) throw new Error("the blob came back different");
    if (Math.max(pushGrowth, pullGrowth) >= MAX_GROWTH_MIB)
      throw new Error(`memory grew by ${MAX_GROWTH_MIB} MiB or more over idle`);
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
