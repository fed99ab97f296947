import type { Digest } from "../../oci/digest.ts";
import { BrokenLinkError } from "../../registry/errors.ts";
import type { DigestTable } from "../../registry/graph/digest-table.ts";
import type { LinkList } from "../../registry/graph/link-list.ts";
import { readLink } from "../../registry/link.ts";
import {
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../registry/paths.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { SnapshotLink } from "./snapshot-records.ts";

/** What a tag's link says now. */
export type ReadTag =
  | { kind: "link"; digest: Digest; modifiedMs: number }
  | { kind: "gone" }
  | { kind: "unreadable"; detail: string };

/**
 * The links of one repository of a store in use: what a scan has found, and what came meanwhile, which the store is asked for.
 */
export class RepositoryLinks {
  readonly name: string;
  readonly #driver: StorageDriver;
  readonly #entries: RepositoryEntries;
  readonly #table: DigestTable;
  readonly #layers: ReadonlyMap<Digest, number>;
  readonly #revisions: ReadonlyMap<Digest, number>;

  constructor(driver: StorageDriver, entries: RepositoryEntries, table: DigestTable) {
    this.name = entries.name;
    this.#driver = driver;
    this.#entries = entries;
    this.#table = table;
    this.#layers = timesOf(entries.layers, table);
    this.#revisions = timesOf(entries.revisions, table);
  }

  /** The tags that the scan has found, in order. */
  get tags(): string[] {
    return [...this.#entries.tags]
      .filter(([, { currentModifiedMs }]) => currentModifiedMs !== undefined)
      .map(([tag]) => tag);
  }

  /** The manifests that the scan has found. */
  get revisions(): Iterable<Digest> {
    return this.#revisions.keys();
  }

  /** The configs and layers that the scan has found. */
  get layers(): Iterable<Digest> {
    return this.#layers.keys();
  }

  hasScannedLayer(digest: Digest): boolean {
    return this.#layers.has(digest);
  }

  /** Reads where a tag points to. */
  async readTag(tag: string): Promise<ReadTag> {
    const path = tagCurrentLinkPath(this.name, tag);
    try {
      const digest = await readLink(this.#driver, path);
      if (digest === undefined) return { kind: "gone" };
      const modifiedMs = await this.#timeAt(path, this.#entries.tags.get(tag)?.currentModifiedMs);
      return { kind: "link", digest, modifiedMs: modifiedMs ?? 0 };
    } catch (error) {
      if (!(error instanceof BrokenLinkError)) throw error;
      return { kind: "unreadable", detail: error.reason };
    }
  }

  /** What else a tag has pointed to. */
  async historyOf(tag: string, except: Digest): Promise<SnapshotLink[]> {
    const history = this.#entries.tags.get(tag)?.history;
    const links: SnapshotLink[] = [];
    for (const [digest, scannedMs] of history ? timesOf(history, this.#table) : []) {
      if (digest === except) continue;
      const modifiedMs = await this.#timeAt(tagHistoryLinkPath(this.name, tag, digest), scannedMs);
      if (modifiedMs !== undefined) links.push({ digest, modifiedMs });
    }
    return links;
  }

  /** @returns when the link of a manifest was written; undefined if the repository does not have it */
  revisionTime(digest: Digest): Promise<number | undefined> {
    return this.#timeAt(revisionLinkPath(this.name, digest), this.#revisions.get(digest));
  }

  /** @returns when the link of a config or layer was written; undefined if the repository does not have it */
  layerTime(digest: Digest): Promise<number | undefined> {
    return this.#timeAt(layerLinkPath(this.name, digest), this.#layers.get(digest));
  }

  /** @returns under which digest the bytes of a layer are stored: a link of another algorithm than SHA-256 may name that */
  async storedDigest(digest: Digest): Promise<Digest> {
    if (digest.startsWith("sha256:")) return digest;
    try {
      return (await readLink(this.#driver, layerLinkPath(this.name, digest))) ?? digest;
    } catch (error) {
      if (error instanceof BrokenLinkError) return digest;
      throw error;
    }
  }

  async #timeAt(path: string, scannedMs: number | undefined): Promise<number | undefined> {
    if (scannedMs !== undefined && !Number.isNaN(scannedMs)) return Math.round(scannedMs);
    const modifiedMs = (await statSmallFile(this.#driver, path))?.modifiedMs;
    return modifiedMs === undefined ? undefined : Math.max(0, Math.round(modifiedMs));
  }
}

function timesOf(links: LinkList, table: DigestTable): Map<Digest, number> {
  const times = new Map<Digest, number>();
  for (const index of links.keys()) times.set(table.digestOf(links.id(index)), links.modifiedMs(index));
  return times;
}
