import { type Digest, type DigestAlgorithm, digestOf } from "../../src/oci/digest.ts";
import { parseManifest } from "../../src/oci/manifest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";
import type { ManifestInput } from "../../src/registry/manifest-store.ts";
import type { Repository } from "../../src/registry/repository.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { RemoteStore } from "./remote-store.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** The stores that the registry's tests run on; each call opens an empty one that goes when the test ends. */
export const STORES: [string, () => Promise<StorageDriver>][] = [
  ["memory", async () => new MemoryDriver()],
  ["filesystem", async () => new FilesystemDriver({ rootDirectory: await temporaryFolder() })],
  ["a store of requests", async () => new RemoteStore().driver],
];

/** Hides all abilities of a driver, so that only the contract is used. */
export function withoutAbilities(driver: StorageDriver): StorageDriver {
  return {
    name: driver.name,
    location: driver.location,
    get: (path) => driver.get(path),
    put: (path, content) => driver.put(path, content),
    read: (path, options) => driver.read(path, options),
    openWriter: (path, options) => driver.openWriter(path, options),
    stat: (path) => driver.stat(path),
    list: (path) => driver.list(path),
    walk: (path) => driver.walk(path),
    move: (from, to) => driver.move(from, to),
    delete: (path) => driver.delete(path),
  };
}

/** The paths of all files of a store. */
export async function filesOf(driver: StorageDriver): Promise<string[]> {
  const paths: string[] = [];
  for await (const { path } of driver.walk("/")) paths.push(path);
  return paths;
}

/** The text of a file of a store. */
export async function textOf(driver: StorageDriver, path: string): Promise<string> {
  return Buffer.from(await driver.get(path)).toString();
}

/** Pushes a blob as a client does. */
export async function pushBlob(
  repository: Repository,
  content: string | Uint8Array,
  algorithm: DigestAlgorithm = "sha256",
): Promise<Digest> {
  const bytes = Buffer.from(content);
  const upload = await repository.uploads.start(algorithm);
  await upload.append(inChunks(bytes, 1000));
  return (await upload.finish(digestOf(bytes, algorithm))).digest;
}

/** A stream of chunks of at most so many bytes. */
export async function* inChunks(bytes: Uint8Array, chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** All bytes of a stream as text. */
export async function textOfStream(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A manifest from the JSON of it. */
export function manifestOf(
  json: object,
  tags: string[] = [],
  algorithm: DigestAlgorithm = "sha256",
): ManifestInput {
  const bytes = Buffer.from(JSON.stringify(json));
  return { bytes, digest: digestOf(bytes, algorithm), manifest: parseManifest(bytes), tags };
}

/** The JSON of an image. */
export function imageJson(config: Digest, layers: Digest[] = [], more: object = {}): object {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 2 },
    layers: layers.map((digest) => ({
      mediaType: "application/vnd.oci.image.layer.v1.tar",
      digest,
      size: 2,
    })),
    ...more,
  };
}

/** The JSON of an index. */
export function indexJson(children: Digest[], more: object = {}): object {
  return {
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests: children.map((digest) => ({ mediaType: OCI_MANIFEST, digest, size: 2 })),
    ...more,
  };
}

/** Pushes an image whose config is `content`. */
export async function pushImage(
  repository: Repository,
  content: string,
  tags: string[] = [],
  more: object = {},
): Promise<ManifestInput> {
  const input = manifestOf(imageJson(await pushBlob(repository, content), [], more), tags);
  await repository.manifests.put(input);
  return input;
}
