import type { Readable } from "node:stream";
import type { ScanAsides, Scannable } from "../../../src/storage/abilities.ts";
import type { FileInfo, StorageDriver } from "../../../src/storage/driver.ts";
import type { AbilityName } from "./ability-guards.ts";

/** An open store of one test. */
export interface OpenStore {
  driver: StorageDriver;
  /** Makes and removes files where `driver` must not. */
  seed?: StorageDriver;
  /** Every file that is physically there, hidden ones included. */
  leftovers: () => Promise<string[]>;
  close: () => Promise<void>;
}

/** What the cases work on; the drivers change from test to test. */
export interface StoreUnderTest {
  readonly driver: StorageDriver;
  readonly seed: StorageDriver;
  readonly largeBytes: number;
  readonly changes: boolean;
  readonly folders: boolean;
  readonly abilities: readonly AbilityName[];
}

/** Text as bytes. */
export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes as text. */
export function text(content: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(content);
}

/** Bytes without a short period, the same for the same size and seed. */
export function patternBytes(sizeBytes: number, seed = 1): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  let state = seed >>> 0 || 1;
  for (let at = 0; at < sizeBytes; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    content[at] = state;
  }
  return content;
}

/** Everything that a stream gives. */
export async function collect(stream: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The paths of a walk. */
export async function walkedPaths(files: AsyncIterable<FileInfo>): Promise<string[]> {
  const paths: string[] = [];
  for await (const file of files) paths.push(file.path);
  return paths;
}

/** The paths of a scan, in which nothing may fail. */
export async function scannedPaths(driver: Scannable, folder: string, asides: ScanAsides): Promise<string[]> {
  const paths: string[] = [];
  const onFailure = ({ path, error }: { path: string; error: unknown }) => {
    throw new Error(`the scan fails for ${path}`, { cause: error });
  };
  for await (const batch of driver.scan(folder, onFailure, asides))
    paths.push(...batch.map((file) => file.path));
  return paths;
}
