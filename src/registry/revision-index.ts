import { forEachConcurrently } from "../lib/for-each-concurrently.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf } from "../oci/digest.ts";
import { InvalidManifestError, type Manifest, parseManifest } from "../oci/manifest.ts";
import type { FileInfo, StorageDriver } from "../storage/driver.ts";
import { givingWay } from "./give-way.ts";
import { listRevisions, revisionFolders } from "./list-revisions.ts";
import { blobDataPath } from "./paths.ts";
import { readSmallFile } from "./small-file.ts";

/** So many manifests of all repositories together are remembered to have been looked at: about 50 MiB. */
export const MAX_KNOWN_REVISIONS = 400_000;

/** So many manifests are read at a time. */
const READS_AT_ONCE = 16;

/** Characters of annotations that take as much memory as a known digest. */
const CHARACTERS_PER_DIGEST = 64;

/**
 * A folder's modification time is trusted if it was this old when the folder was listed: then every later change gives
 * it another time, however coarse the file system's clock is and however far, within reason, it is from ours. Object
 * stores give folders no time, so there each call lists.
 */
const SETTLED_MS = 600_000;

/**
 * Which manifests of a repository have a subject. Manifests are immutable, so each is read once; what comes and goes is
 * found by listing.
 */
export class RevisionIndex {
  readonly #known = new Set<Digest>();
  readonly #subjects = new Map<Digest, Digest>();
  readonly #referrers = new Map<Digest, Map<Digest, Descriptor>>();
  #annotationCharacters = 0;
  /** What the folders looked like when they were listed, if that can be relied on. */
  #settled: string | undefined;
  #running: Promise<void> | undefined;
  #waiting: Promise<void> | undefined;

  /** How much memory it takes, in known digests; at least 1. */
  get weight(): number {
    return 1 + this.#known.size + Math.ceil(this.#annotationCharacters / CHARACTERS_PER_DIGEST);
  }

  /** @returns what refers to a subject as of the last {@link refresh}, in byte order of digests */
  referrersOf(subject: Digest): Descriptor[] {
    const entries = [...(this.#referrers.get(subject)?.values() ?? [])];
    return entries.sort((a, b) => (a.digest < b.digest ? -1 : 1));
  }

  /** Takes in everything that was stored before the call. Calls at the same time share their work. */
  refresh(driver: StorageDriver, repository: string): Promise<void> {
    if (this.#waiting !== undefined) return this.#waiting;
    if (this.#running === undefined) return this.#run(driver, repository);
    // The refresh under way may have listed before something was stored that this caller knows of.
    this.#waiting = this.#running
      .catch(() => {})
      .then(() => {
        this.#waiting = undefined;
        return this.#run(driver, repository);
      });
    return this.#waiting;
  }

  #run(driver: StorageDriver, repository: string): Promise<void> {
    const run = this.#refresh(driver, repository).finally(() => {
      this.#running = undefined;
    });
    this.#running = run;
    return run;
  }

  async #refresh(driver: StorageDriver, repository: string): Promise<void> {
    const folders = await revisionFolders(driver, repository);
    const appearance = folders.map((folder) => `${folder.path} ${folder.modifiedMs}`).join();
    if (this.#settled !== undefined && this.#settled === appearance) return;
    this.#settled = undefined;
    const isSettled = areSettled(folders);
    const listed = new Set(await listRevisions(driver, folders));
    for (const digest of this.#known) if (!listed.has(digest)) this.#forget(digest);
    const unknown = [...listed].filter((digest) => !this.#known.has(digest));
    let isComplete = true;
    const giveWay = givingWay();
    await forEachConcurrently(unknown, READS_AT_ONCE, async (digest) => {
      await giveWay();
      const bytes = await readSmallFile(driver, blobDataPath(digest));
      // What is missing or damaged may be mended later, so it is looked at again.
      if (bytes === undefined || digestOf(bytes, digestAlgorithm(digest)) !== digest) isComplete = false;
      else this.#remember(digest, bytes);
    });
    if (isSettled && isComplete) this.#settled = appearance;
  }

  #remember(digest: Digest, bytes: Uint8Array): void {
    this.#known.add(digest);
    const manifest = parseIfKnown(bytes);
    if (manifest?.subject === undefined) return;
    const { mediaType, artifactType, annotations, subject } = manifest;
    const entry: Descriptor = { mediaType, digest, size: bytes.length };
    if (artifactType !== undefined) entry.artifactType = artifactType;
    if (annotations !== undefined) entry.annotations = annotations;
    const siblings = this.#referrers.get(subject.digest) ?? new Map<Digest, Descriptor>();
    siblings.set(digest, entry);
    this.#referrers.set(subject.digest, siblings);
    this.#subjects.set(digest, subject.digest);
    this.#annotationCharacters += charactersOf(entry);
  }

  #forget(digest: Digest): void {
    this.#known.delete(digest);
    const subject = this.#subjects.get(digest);
    if (subject === undefined) return;
    this.#subjects.delete(digest);
    const siblings = this.#referrers.get(subject);
    const entry = siblings?.get(digest);
    if (entry !== undefined) this.#annotationCharacters -= charactersOf(entry);
    siblings?.delete(digest);
    if (siblings?.size === 0) this.#referrers.delete(subject);
  }
}

function areSettled(folders: readonly FileInfo[]): boolean {
  const latestMs = Date.now() - SETTLED_MS;
  return folders.length > 0 && folders.every(({ modifiedMs }) => modifiedMs > 0 && modifiedMs < latestMs);
}

function parseIfKnown(bytes: Uint8Array): Manifest | undefined {
  try {
    return parseManifest(bytes);
  } catch (error) {
    if (error instanceof InvalidManifestError) return undefined;
    throw error;
  }
}

function charactersOf(entry: Descriptor): number {
  return 256 + JSON.stringify(entry.annotations ?? {}).length;
}
