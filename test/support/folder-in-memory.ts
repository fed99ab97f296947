import { accessSync, constants, statfsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const SHARED_MEMORY = "/dev/shm";
const MIN_BYTES = 256 * 1024 * 1024;

/**
 * A new folder, in memory where there is room, for tests that make and remove very many files and care for no power
 * cut.
 *
 * @param atEnd - is given what removes the folder; by default the test that asks for the folder does it at its end
 */
export async function folderInMemory(
  atEnd: (remove: () => Promise<void>) => void = onTestFinished,
): Promise<string> {
  const folder = await mkdtemp(join(hasRoomInMemory() ? SHARED_MEMORY : tmpdir(), "registry-ctl-e2e-"));
  atEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

function hasRoomInMemory(): boolean {
  try {
    accessSync(SHARED_MEMORY, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(SHARED_MEMORY);
    return bavail * bsize >= MIN_BYTES;
  } catch {
    return false;
  }
}
