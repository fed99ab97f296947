import { type Digest, isDigest } from "../oci/digest.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { canPutOver } from "../storage/object-store-abilities.ts";
import { BrokenLinkError } from "./errors.ts";
import { readSmallFile } from "./small-file.ts";

/**
 * Reads a link: a file whose whole content is a digest. White space behind it, which editors leave, is ignored.
 *
 * @returns the digest, or undefined if there is no such link
 * @throws {BrokenLinkError} if the file is empty or holds anything else
 */
export async function readLink(driver: StorageDriver, path: string): Promise<Digest | undefined> {
  const bytes = await readSmallFile(driver, path);
  return bytes === undefined ? undefined : parseLink(path, bytes);
}

/**
 * Writes a link as the Go registry does, without a line end, because that registry takes the content literally. A link
 * that is already there is written again: its modification time tells the collector that it was needed just now.
 * Durable when it resolves.
 */
export async function writeLink(driver: StorageDriver, path: string, digest: Digest): Promise<void> {
  await driver.put(path, Buffer.from(digest, "latin1"));
}

/**
 * As {@link writeLink}, for a link that others give other contents: a store that carries out such a write late does not
 * undo theirs, as far as it can know.
 */
export async function moveLink(driver: StorageDriver, path: string, digest: Digest): Promise<void> {
  if (!canPutOver(driver)) return writeLink(driver, path, digest);
  await driver.putOver(path, Buffer.from(digest, "latin1"));
}

function parseLink(path: string, bytes: Uint8Array): Digest {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1").trimEnd();
  if (isDigest(text)) return text;
  const reason =
    text === "" ? "it is empty" : `it holds ${JSON.stringify(text.slice(0, 200))}, expected a digest`;
  throw new BrokenLinkError(path, reason);
}
