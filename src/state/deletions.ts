import { randomBytes } from "node:crypto";
import { readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { readPlainFile } from "../lib/read-plain-file.ts";
import { type DeletionName, type DeletionRecord, deletionKey, parseDeletion } from "./deletion-record.ts";
import { lockFile } from "./file-lock.ts";
import { asRecord } from "./json-fields.ts";
import { writeStateFile } from "./state-file.ts";

/** The file, in a store's state folder. */
export const DELETIONS_FILE = "deletions.json";
/** A record has some 300 bytes. Where more deletions fail, the store does, and a list of all of them helps nobody. */
const MAX_RECORDS = 10_000;
const MAX_REASON_CHARACTERS = 500;
/** So many records cannot be larger. */
const MAX_BYTES = 32 * 1024 * 1024;
/** Files that were damaged and put aside. */
const KEPT_DAMAGED = 3;
/** Longer than a lock that was left behind counts. */
const LOCK_TIMEOUT_MS = 40_000;

/** Options of {@link Deletions}. */
export interface DeletionsOptions {
  /** The store's state folder, which exists; undefined: there is none, and nothing is remembered. */
  folder: string | undefined;
  /** Told, in a sentence, what of the file cannot be read or written. That keeps no command from its work. */
  onProblem: (problem: string) => void;
  nowMs?: () => number;
  /** Another bound, for tests. */
  maxRecords?: number;
}

/** What {@link Deletions.recordFailed} is told. */
export type FailedDeletion = Omit<DeletionRecord, "state" | "at" | "scheduledAt">;

/**
 * What was to be deleted and could not be, kept in one small file of the state folder that several processes change one after
 * the other. What is damaged in it is put aside and told; where it cannot be written, that is told and nothing fails.
 */
export class Deletions {
  readonly #options: DeletionsOptions;
  readonly #nowMs: () => number;
  readonly #maxRecords: number;
  /** The file is read for each repository, and what is wrong with it is worth saying once. */
  readonly #told = new Set<string>();
  /** What the file held when it was this one: a run looks into it for each of thousands of repositories. */
  #known: { file: string; read: ReadDeletions } | undefined;

  constructor(options: DeletionsOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#maxRecords = options.maxRecords ?? MAX_RECORDS;
  }

  /** @returns everything that is remembered, by repository and name; what is damaged is told and left out */
  list(): DeletionRecord[] {
    const read = this.#readTelling();
    return read === undefined ? [] : [...read.records.values()].sort(byKey);
  }

  /** @returns the tags of a repository that the next run is to delete, by name */
  scheduledTags(repository: string): DeletionRecord[] {
    const records = this.#readTelling()?.records.values() ?? [];
    return [...records]
      .filter((each) => each.repository === repository && each.state === "delete_scheduled")
      .sort(byKey);
  }

  /** Remembers that deletions have failed for good, each under its name once. */
  async recordFailed(failed: readonly FailedDeletion[]): Promise<void> {
    if (failed.length === 0) return;
    const at = this.#now();
    await this.#change((records) => {
      for (const each of failed) {
        const reason = each.reason.slice(0, MAX_REASON_CHARACTERS);
        records.delete(deletionKey(each));
        records.set(deletionKey(each), { ...each, reason, state: "delete_failed", at });
      }
      return true;
    });
  }

  /** Forgets what has been deleted, or need not be any more. Writes nothing if none of it is remembered. */
  async forget(names: readonly DeletionName[]): Promise<void> {
    if (names.length === 0) return;
    const known = this.#readTelling()?.records;
    if (known === undefined || !names.some((name) => known.has(deletionKey(name)))) return;
    await this.#change((records) => {
      for (const name of names) records.delete(deletionKey(name));
      return true;
    });
  }

  /**
   * Sets what has failed back to `delete_scheduled`.
   *
   * @param isWanted - tells which
   * @returns those that are scheduled now, by repository and name, also if they were before
   * @throws {RegistryCtlError} `ERR_WRITE` if that cannot be remembered
   */
  async schedule(isWanted: (record: DeletionRecord) => boolean): Promise<DeletionRecord[]> {
    let scheduled: DeletionRecord[] = [];
    const scheduledAt = this.#now();
    const problem = await this.#tryChange((records) => {
      scheduled = [];
      let hasChanged = false;
      for (const [key, record] of records) {
        if (!isWanted(record)) continue;
        const isNew = record.state !== "delete_scheduled";
        const now: DeletionRecord = isNew ? { ...record, state: "delete_scheduled", scheduledAt } : record;
        if (isNew) records.set(key, now);
        hasChanged ||= isNew;
        scheduled.push(now);
      }
      return hasChanged;
    });
    if (problem !== undefined) throw new RegistryCtlError("ERR_WRITE", problem, { hint: WRITE_HINT });
    return scheduled.sort(byKey);
  }

  async #change(change: Change): Promise<void> {
    const problem = await this.#tryChange(change);
    if (problem !== undefined) this.#tell(`${problem}: ${WRITE_HINT}`);
  }

  /** @returns why it is not done; undefined: it is */
  async #tryChange(change: Change): Promise<string | undefined> {
    const { folder } = this.#options;
    if (folder === undefined) return "there is no state folder, so that failed deletions are not remembered";
    const path = join(folder, DELETIONS_FILE);
    try {
      // What has failed is to be written down also when somebody has asked to stop.
      const signal = new AbortController().signal;
      const release = await lockFile(path, { signal, timeoutMs: LOCK_TIMEOUT_MS });
      try {
        const { records, damage } = this.#read(path);
        if (change(records)) {
          if (damage !== undefined) this.#keepAside(folder, damage);
          this.#write(folder, records);
        }
      } finally {
        release?.();
      }
      return undefined;
    } catch (error) {
      return `failed deletions cannot be written down in ${path} (${messageOf(error)})`;
    }
  }

  #write(folder: string, records: Map<string, DeletionRecord>): void {
    const excess = records.size - this.#maxRecords;
    if (excess > 0) {
      // Those that were written down first come first.
      for (const key of [...records.keys()].slice(0, excess)) records.delete(key);
      this.#options.onProblem(
        `more than ${this.#maxRecords} deletions have failed: the oldest ${excess} are forgotten`,
      );
    }
    const content = { schemaVersion: 1, deletions: [...records.values()] };
    writeStateFile(folder, DELETIONS_FILE, `${JSON.stringify(content)}\n`);
  }

  #readTelling(): ReadDeletions | undefined {
    const { folder } = this.#options;
    if (folder === undefined) return undefined;
    const path = join(folder, DELETIONS_FILE);
    try {
      const file = identityOf(path);
      if (this.#known !== undefined && this.#known.file === file) return this.#known.read;
      const read = this.#read(path);
      this.#known = { file, read };
      if (read.damage !== undefined)
        this.#tell(`${path} is damaged (${read.damage}): what can be read of it counts`);
      return read;
    } catch (error) {
      this.#tell(`${path} cannot be read: ${messageOf(error)}`);
      return undefined;
    }
  }

  /** @throws {Error} the system's, if it is there and may not be read: then it must not be written over either */
  #read(path: string): ReadDeletions {
    const file = readPlainFile(path, MAX_BYTES);
    if (file === undefined) return { records: new Map(), damage: undefined };
    if (file === null) return { records: new Map(), damage: "it is no file, or too large" };
    let listed: unknown;
    try {
      const content = asRecord(JSON.parse(file.text));
      listed = content?.["schemaVersion"] === 1 ? content["deletions"] : undefined;
    } catch (error) {
      return { records: new Map(), damage: messageOf(error) };
    }
    if (!Array.isArray(listed)) return { records: new Map(), damage: "it has no list of deletions" };
    const records = listed.flatMap((each) => parseDeletion(each) ?? []);
    const wrong = listed.length - records.length;
    return {
      records: new Map(records.map((record) => [deletionKey(record), record])),
      damage: wrong > 0 ? `${wrong} of ${listed.length} records are not understood` : undefined,
    };
  }

  #keepAside(folder: string, damage: string): void {
    const path = join(folder, DELETIONS_FILE);
    const time = new Date(this.#nowMs()).toISOString().replace(/[-:.]/g, "");
    const aside = `${path}.damaged-${time}-${randomBytes(3).toString("hex")}`;
    renameSync(path, aside);
    this.#options.onProblem(`${path} was damaged (${damage}): it is kept as ${aside}`);
    const asides = readdirSync(folder).filter((name) => name.startsWith(`${DELETIONS_FILE}.damaged-`));
    for (const name of asides.sort().slice(0, -KEPT_DAMAGED)) {
      rmSync(join(folder, name), { force: true, recursive: true });
    }
  }

  #tell(problem: string): void {
    if (this.#told.has(problem)) return;
    this.#told.add(problem);
    this.#options.onProblem(problem);
  }

  #now(): string {
    return new Date(this.#nowMs()).toISOString();
  }
}

/** Changes records in place. @returns whether they are to be written */
type Change = (records: Map<string, DeletionRecord>) => boolean;

interface ReadDeletions {
  /** By {@link deletionKey}, in the order of the file. */
  records: Map<string, DeletionRecord>;
  damage: string | undefined;
}

/** Each writing makes a new file, so that another text means another content. */
function identityOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined
    ? ""
    : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

const WRITE_HINT = "make room there, or say with --state-dir where it can be";

function byKey(one: DeletionRecord, other: DeletionRecord): number {
  return deletionKey(one) < deletionKey(other) ? -1 : 1;
}
