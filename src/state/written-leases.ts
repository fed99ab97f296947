import { join } from "node:path";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import { listLeaseFiles, makeLeaseFolder, readLeases, removeExpiredLeases } from "./lease-files.ts";
import { leasePrefix } from "./lease-key.ts";
import { LeaseTable } from "./lease-table.ts";

/** Options of {@link WrittenLeases}. */
export interface WrittenLeasesOptions {
  /** Where processes write them; undefined: nowhere. */
  folder: string | undefined;
  leaseMs: number;
  logger: Logger;
  /** Milliseconds since 1970. */
  now?: () => number;
}

/**
 * What all processes of a store have written of their leases, as far as it has been read: a process that watches over
 * others reads it when one of them has ended. Those of processes that live are among them, which does no harm.
 */
export class WrittenLeases {
  readonly #folder: string | undefined;
  readonly #logger: Logger;
  readonly #table: LeaseTable;
  /** How far each file has been read. */
  readonly #offsets = new Map<string, number>();

  constructor(options: WrittenLeasesOptions) {
    this.#folder = options.folder;
    this.#logger = options.logger;
    this.#table = new LeaseTable(options.leaseMs, options.now);
    this.refresh();
  }

  /** Tells whether the key was leased when it was last read. */
  has(key: string): boolean {
    return this.#table.has(leasePrefix(key));
  }

  /** Reads what has been written since. Never throws: a lease that is not known costs a client time, and nothing else. */
  refresh(): void {
    if (this.#folder === undefined) return;
    try {
      makeLeaseFolder(this.#folder);
      removeExpiredLeases(this.#folder, (spanStartMs) => this.#table.isExpired(spanStartMs));
      const files = listLeaseFiles(this.#folder);
      const names = new Set(files.map(({ name }) => name));
      for (const name of this.#offsets.keys()) if (!names.has(name)) this.#offsets.delete(name);
      for (const { name, spanStartMs } of files) {
        const offset = this.#offsets.get(name) ?? 0;
        const path = join(this.#folder, name);
        this.#offsets.set(
          name,
          readLeases(path, offset, (prefix) => void this.#table.addAt(spanStartMs, prefix)),
        );
      }
    } catch (error) {
      this.#logger.warn("leases of earlier processes cannot be read: clients may have to push again", {
        folder: this.#folder,
        error: messageOf(error),
      });
    }
  }
}
