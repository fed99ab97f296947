import { createHash } from "node:crypto";
import type { StorageDriver } from "../../src/storage/driver.ts";

const MANIFEST_TYPE =
  /vnd\.(oci\.image\.(index|manifest)|docker\.distribution\.manifest|oci\.artifact\.manifest)/;

interface Descriptor {
  digest: string;
  mediaType: string;
  size: number;
}

interface ManifestJson {
  mediaType: string;
  config?: Descriptor;
  layers?: Descriptor[];
  manifests?: Descriptor[];
  subject?: Descriptor;
}

/** A repository as its files say. */
export interface NaiveRepository {
  name: string;
  revisions: Set<string>;
  layers: Set<string>;
  /** What each tag says; undefined: no digest. */
  tags: Map<string, string | undefined>;
}

/** A store as its files say. */
export interface NaiveStore {
  /** The bytes of each blob. */
  blobs: Map<string, Uint8Array>;
  repositories: Map<string, NaiveRepository>;
}

/** Reads everything, file by file, into strings: no code is shared with the program. */
export async function readNaively(driver: StorageDriver): Promise<NaiveStore> {
  const store: NaiveStore = { blobs: new Map(), repositories: new Map() };
  for await (const { path } of driver.walk("/docker/registry/v2")) {
    const blob = /\/v2\/blobs\/(sha\d+)\/..\/([0-9a-f]+)\/data$/.exec(path);
    if (blob) store.blobs.set(`${blob[1]}:${blob[2]}`, await driver.get(path));
    const [, name, rest] = /\/v2\/repositories\/(.+?)\/(_(?:layers|manifests)\/.*)$/.exec(path) ?? [];
    if (name === undefined || rest === undefined) continue;
    const repository = store.repositories.get(name) ?? {
      ...{ name, revisions: new Set(), layers: new Set(), tags: new Map() },
    };
    store.repositories.set(name, repository);
    const [, digests, algorithm, hex] =
      /^_(layers|manifests\/revisions)\/(sha\d+)\/([0-9a-f]+)\/link$/.exec(rest) ?? [];
    if (digests) repository[digests === "layers" ? "layers" : "revisions"].add(`${algorithm}:${hex}`);
    const tag = /^_manifests\/tags\/([^/]+)\/current\/link$/.exec(rest)?.[1];
    if (tag === undefined) continue;
    const text = Buffer.from(await driver.get(path)).toString();
    repository.tags.set(tag, /^sha\d+:[0-9a-f]+$/.test(text) ? text : undefined);
  }
  return store;
}

/** A manifest that is stored with its own digest and can be understood; "absent" or "unreadable" otherwise. */
export function manifestOf(store: NaiveStore, digest: string): ManifestJson | "absent" | "unreadable" {
  const bytes = store.blobs.get(digest);
  if (bytes === undefined) return "absent";
  const [algorithm = "", hex] = digest.split(":");
  if (createHash(algorithm).update(bytes).digest("hex") !== hex) return "unreadable";
  const json = JSON.parse(Buffer.from(bytes).toString());
  return json.mediaType === undefined || !MANIFEST_TYPE.test(json.mediaType) ? "unreadable" : json;
}

/** What a collection without grace keeps because of one repository, by going over everything until nothing is added. */
export function keptNaively(
  store: NaiveStore,
  repository: NaiveRepository,
  deleteUntagged: boolean,
): { kept: Set<string>; isInDoubt: boolean } {
  const { revisions, layers, tags } = repository;
  const hasBrokenTag = [...tags.values()].includes(undefined);
  const kept = new Set<string>();
  const asManifest = new Set<string>();
  const roots = new Set([...tags.values()].filter((digest) => digest !== undefined));
  for (const digest of revisions) {
    const isRoot = !deleteUntagged || hasBrokenTag || manifestOf(store, digest) === "unreadable";
    if (isRoot) roots.add(digest);
  }
  let isInDoubt = false;
  for (;;) {
    for (const root of roots) asManifest.add(root);
    for (let before = -1; before !== kept.size + asManifest.size; ) {
      before = kept.size + asManifest.size;
      for (const digest of revisions) {
        const manifest = manifestOf(store, digest);
        if (typeof manifest !== "string" && manifest.subject && kept.has(manifest.subject.digest))
          asManifest.add(digest);
        if (kept.has(digest)) asManifest.add(digest);
      }
      for (const digest of asManifest) {
        kept.add(digest);
        const manifest = manifestOf(store, digest);
        if (typeof manifest === "string") continue;
        for (const child of manifest.manifests ?? []) {
          if (MANIFEST_TYPE.test(child.mediaType)) asManifest.add(child.digest);
          kept.add(child.digest);
        }
        for (const blob of [manifest.config, ...(manifest.layers ?? [])]) if (blob) kept.add(blob.digest);
      }
    }
    for (const digest of asManifest) {
      const state = manifestOf(store, digest);
      if (state === "unreadable") isInDoubt = true;
      if (state === "absent" && (roots.has(digest) || revisions.has(digest))) isInDoubt = true;
    }
    const added = isInDoubt ? [...revisions].filter((digest) => !roots.has(digest)) : [];
    if (added.length === 0) break;
    for (const digest of added) roots.add(digest);
  }
  if (isInDoubt) for (const digest of layers) kept.add(digest);
  return { kept, isInDoubt: isInDoubt || hasBrokenTag };
}

/** What repositories keep together. */
export function keptTogether(
  store: NaiveStore,
  repositories: Iterable<NaiveRepository>,
  deleteUntagged: boolean,
): Set<string> {
  const all = new Set<string>();
  for (const repository of repositories)
    for (const digest of keptNaively(store, repository, deleteUntagged).kept) all.add(digest);
  return all;
}

/** Bytes of the blob files of digests. */
export function bytesOf(store: NaiveStore, digests: Iterable<string>): number {
  let bytes = 0;
  for (const digest of new Set(digests)) bytes += store.blobs.get(digest)?.length ?? 0;
  return bytes;
}

/** As GitLab's console adds them up: the layers of each tag's own image. */
export function gitlabBytesOf(store: NaiveStore, { tags }: NaiveRepository): number {
  let bytes = 0;
  for (const digest of tags.values()) {
    const manifest = digest === undefined ? "absent" : manifestOf(store, digest);
    if (typeof manifest === "string" || manifest.config === undefined) continue;
    for (const layer of manifest.layers ?? []) bytes += layer.size;
  }
  return bytes;
}
