import { createHash } from "node:crypto";
import { type Dirent, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A manifest or blob that other manifests refer to. */
export interface StoredItem {
  digest: string;
  mediaType: string;
  size: number;
}

/** A manifest to be stored. */
export interface ManifestJson {
  mediaType: string;
  [key: string]: unknown;
}

/**
 * Writes a store's files as fast as the file system takes them, with nothing of the program under test: so its layout
 * is checked too.
 */
export class StoreFiles {
  /** The folder that the store is in. */
  readonly rootDirectory: string;

  constructor(rootDirectory: string) {
    this.rootDirectory = rootDirectory;
  }

  /** Stores bytes that nothing links. */
  blob(content: string, mediaType = "application/octet-stream", algorithm = "sha256"): StoredItem {
    const hex = createHash(algorithm).update(content).digest("hex");
    this.write(`blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`, content);
    return { digest: `${algorithm}:${hex}`, mediaType, size: Buffer.byteLength(content) };
  }

  linkLayer(repository: string, digest: string): void {
    this.#link(`repositories/${repository}/_layers/${digest.replace(":", "/")}/link`, digest);
  }

  /** Stores a manifest and links it as a revision. */
  manifest(repository: string, json: ManifestJson, algorithm = "sha256"): StoredItem {
    const item = this.blob(JSON.stringify(json), json.mediaType, algorithm);
    this.#link(
      `repositories/${repository}/_manifests/revisions/${item.digest.replace(":", "/")}/link`,
      item.digest,
    );
    return item;
  }

  /** Sets a tag; what it pointed to stays in its history. */
  tag(repository: string, tag: string, digest: string): void {
    this.tagHistory(repository, tag, digest);
    this.#link(`repositories/${repository}/_manifests/tags/${tag}/current/link`, digest);
  }

  /** Remembers a manifest in the history of a tag. */
  tagHistory(repository: string, tag: string, digest: string): void {
    const folder = `repositories/${repository}/_manifests/tags/${tag}/index`;
    this.#link(`${folder}/${digest.replace(":", "/")}/link`, digest);
  }

  /** @param path - below `docker/registry/v2` */
  folder(path: string): void {
    mkdirSync(this.absolute(path), { recursive: true });
  }

  /** @param path - below `docker/registry/v2` */
  write(path: string, content: string): void {
    const absolute = this.absolute(path);
    mkdirSync(dirname(absolute), { recursive: true });
    writeFileSync(absolute, content);
  }

  /** @param path - below `docker/registry/v2` */
  absolute(path: string): string {
    return join(this.rootDirectory, "docker/registry/v2", path);
  }

  #link(path: string, digest: string): void {
    this.write(path, digest);
  }
}

/** What is in a store; names are paths within it, with a leading slash. */
export interface StoreNames {
  files: Set<string>;
  folders: Set<string>;
}

/**
 * All names in a store but the locks' and those of files that a dead writer left to be swept when they are old. A
 * folder that goes while it is listed counts as empty.
 */
export function listStore(rootDirectory: string): StoreNames {
  const names: StoreNames = { files: new Set(), folders: new Set() };
  addNames(rootDirectory, "", names);
  return names;
}

function addNames(rootDirectory: string, folder: string, names: StoreNames): void {
  for (const entry of entriesOf(join(rootDirectory, folder))) {
    const path = `${folder}/${entry.name}`;
    if (path === "/docker/registry/lockfiles" || /\/\.registry-ctl-[0-9a-f]{16}\.tmp$/.test(path)) continue;
    if (entry.isDirectory()) {
      names.folders.add(path);
      addNames(rootDirectory, path, names);
    } else names.files.add(path);
  }
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
