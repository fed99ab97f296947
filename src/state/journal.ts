/** Where a {@link GarbageJournal} is written, and what it tells of the program. */
export interface JournalOptions {
  /** Folder of the journals of one store; made if it is missing. */
  folder: string;
  /** Of this program. */
  version: string;
}

/** What a collection removes, written down before it is removed. */
export class GarbageJournal {
  readonly #options: JournalOptions;

  constructor(options: JournalOptions) {
    this.#options = options;
  }

  /** Folder of the journals. */
  get folder(): string {
    return this.#options.folder;
  }
}
