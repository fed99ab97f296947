import { randomBytes } from "node:crypto";
import { PathNotFoundError, RegistryCtlError, StorageUnavailableError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openProbes, PROBE_FOLDER } from "./probe-objects.ts";

const MIB = 1024 * 1024;

/** What a copy needs of the store that it writes to. */
const STEPS = ["write", "look at", "read", "list", "begin and cancel a large upload", "remove"] as const;

/**
 * Tries everything at a store that a copy will need, with a file of ours that is removed again.
 *
 * @param options.partBytes - a writer that sends its bytes in parts begins to do so behind so many
 * @throws {StorageUnavailableError} for the first thing that does not work; the hint says what to allow
 */
export async function tryPermissions(
  driver: StorageDriver,
  { partBytes, signal }: { partBytes: number; signal: AbortSignal },
): Promise<void> {
  const probes = await openProbes(driver, 2);
  const [path = PROBE_FOLDER, large = PROBE_FOLDER] = probes.paths;
  const content = randomBytes(16);
  const attempts: Record<(typeof STEPS)[number], () => Promise<void>> = {
    write: () => driver.put(path, content),
    "look at": async () => void (await driver.stat(path)),
    read: async () => requireSame(await driver.get(path), content, driver),
    list: async () => requireListed(await driver.list(PROBE_FOLDER), path, driver),
    "begin and cancel a large upload": () => beginAndCancel(driver, large, { partBytes, signal }),
    remove: () => driver.delete(path),
  };
  try {
    for (const step of STEPS) {
      signal.throwIfAborted();
      await attempts[step]().catch((cause: unknown) => {
        throw cannot(step, driver, cause);
      });
    }
  } finally {
    await probes.remove();
  }
}

function cannot(step: string, driver: StorageDriver, cause: unknown): unknown {
  if (cause instanceof PathNotFoundError) {
    const message = `${driver.location} does not show a file that was written to it a moment ago: it could not ${step} it`;
    return new StorageUnavailableError(message, { cause, hint: "a store must give what it has taken" });
  }
  if (!(cause instanceof StorageUnavailableError)) return cause;
  return new StorageUnavailableError(
    `it is not possible to ${step} in ${driver.location}: ${messageOf(cause)}`,
    {
      cause,
      hint: cause instanceof RegistryCtlError ? cause.hint : undefined,
    },
  );
}

function requireSame(found: Uint8Array, content: Uint8Array, { location }: StorageDriver): void {
  if (Buffer.from(found).equals(content)) return;
  throw new StorageUnavailableError(`${location} gives other bytes than were written to it`);
}

function requireListed(found: readonly { path: string }[], path: string, { location }: StorageDriver): void {
  if (found.some((each) => each.path === path)) return;
  throw new StorageUnavailableError(`${location} does not list a file that was written to it a moment ago`);
}

async function beginAndCancel(
  driver: StorageDriver,
  path: string,
  { partBytes, signal }: { partBytes: number; signal: AbortSignal },
): Promise<void> {
  const writer = await driver.openWriter(path, { expectedBytes: 2 * partBytes + MIB, signal });
  try {
    const chunk = Buffer.alloc(MIB);
    // So many that a part is sent: only then an upload has begun.
    for (let sent = 0; sent < partBytes + MIB; sent += chunk.length) await writer.write(chunk);
  } finally {
    await writer.cancel();
  }
}
