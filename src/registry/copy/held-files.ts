import {
  appendFileSync,
  closeSync,
  existsSync,
  fdatasyncSync,
  openSync,
  readFileSync,
  rmSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../oci/digest.ts";
import type { DamagedBlob } from "./sync-result.ts";

/**
 * Why something is not at the target: it was `left` to the next run, or its bytes are `damaged`, or it could not be
 * copied (`failed`).
 */
export type HeldCause = "left" | "damaged" | "failed";

/** One line of the file. `stale`: a tag that the target has with an older content. */
type HeldLine = { cause: HeldCause; name: string; blob?: DamagedBlob } | { cause: "stale" };

const FILE = "held.jsonl";

/**
 * What the target does not have although the source does, so that links to it are held back too. Kept in a file beside
 * the memory, since a later run that goes on behind it does not see it again.
 */
export class HeldFiles {
  readonly #path: string | undefined;
  readonly #causes = new Map<string, HeldCause>();
  /** Blobs whose bytes are not what their paths say. */
  readonly damaged: DamagedBlob[] = [];
  /** Tags of which the target has an older content. */
  staleTags = 0;
  #isSynced = true;

  /**
   * @param folder - where the file is; undefined: nothing is kept
   * @param goesOn - whether what an earlier run has noted counts
   * @throws {Error} if the file cannot be read or removed
   */
  constructor(folder: string | undefined, goesOn: boolean) {
    this.#path = folder && join(folder, FILE);
    if (!this.#path) return;
    if (!goesOn) rmSync(this.#path, { force: true });
    else if (existsSync(this.#path)) this.#read(this.#path);
  }

  /** @returns why a blob is not at the target */
  blob(digest: Digest): HeldCause | undefined {
    return this.#causes.get(digest);
  }

  /** @returns why a manifest is no part of the repository at the target */
  revision(repository: string, digest: Digest): HeldCause | undefined {
    return this.#causes.get(`${repository}@${digest}`);
  }

  holdBlob(digest: Digest, cause: HeldCause): void {
    this.#note({ cause, name: digest });
  }

  holdDamaged(blob: DamagedBlob): void {
    this.#note({ cause: "damaged", name: blob.digest, blob });
  }

  holdRevision(repository: string, digest: Digest, cause: HeldCause): void {
    this.#note({ cause, name: `${repository}@${digest}` });
  }

  /** A tag that the target has was left as it is there. */
  holdStaleTag(): void {
    this.#note({ cause: "stale" });
  }

  /** Makes what was noted survive a power cut. */
  settle(): void {
    if (this.#isSynced || !this.#path) return;
    const file = openSync(this.#path, "r+");
    try {
      fdatasyncSync(file);
    } finally {
      closeSync(file);
    }
    this.#isSynced = true;
  }

  #note(line: HeldLine): void {
    if (!this.#add(line)) return;
    // What failed is tried again by a run that goes on.
    if (line.cause === "failed" || !this.#path) return;
    appendFileSync(this.#path, `${JSON.stringify(line)}\n`, { mode: 0o600 });
    this.#isSynced = false;
  }

  /** @returns false if it is known already */
  #add(line: HeldLine): boolean {
    if (line.cause === "stale") {
      this.staleTags++;
      return true;
    }
    if (this.#causes.get(line.name) === line.cause) return false;
    this.#causes.set(line.name, line.cause);
    if (line.blob) this.damaged.push(line.blob);
    return true;
  }

  #read(path: string): void {
    const text = readFileSync(path, "utf8");
    // The last line was cut when its writer died. It is not behind any position, and what follows must not join it.
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    for (const line of whole.split("\n")) if (line !== "") this.#add(JSON.parse(line) as HeldLine);
  }
}
