import { CancelledError } from "../../errors.ts";
import { hasFastReads, type OpenedFile } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";

const CHUNK_BYTES = 512 * 1024;

/**
 * The bytes of a file in order. A chunk is good until the next one is asked for; that one is read meanwhile, where the
 * store reads into reused buffers.
 *
 * @throws {PathNotFoundError}
 */
export async function* readChunks(
  driver: StorageDriver,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  if (!hasFastReads(driver)) {
    yield* await driver.read(path, { signal });
    return;
  }
  const file = await driver.openFile(path);
  try {
    yield* readAhead(file, signal);
  } finally {
    await file.close();
  }
}

async function* readAhead(file: OpenedFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  let [buffer, other] = [newBuffer(file), newBuffer(file)];
  let position = 0;
  let coming = file.read(buffer, 0);
  try {
    for (;;) {
      const bytesRead = await coming;
      if (signal.aborted) throw new CancelledError();
      if (bytesRead === 0) return;
      const chunk = buffer.subarray(0, bytesRead);
      position += bytesRead;
      [buffer, other] = [other, buffer];
      coming = file.read(buffer, position);
      // It is awaited after the chunk is used, or never.
      coming.catch(() => undefined);
      yield chunk;
    }
  } finally {
    // A read must not outlive the file.
    await coming.catch(() => undefined);
  }
}

function newBuffer({ sizeBytes }: OpenedFile): Buffer {
  return Buffer.allocUnsafeSlow(Math.max(1, Math.min(CHUNK_BYTES, sizeBytes)));
}
