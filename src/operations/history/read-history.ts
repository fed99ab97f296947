import { closeSync, fstatSync } from "node:fs";
import { messageOf } from "../../lib/message-of.ts";
import { parseAuditRecord } from "../../state/audit-record.ts";
import { type CommandEnd, parseCommandRecord } from "../../state/command-record.ts";
import { openLineFiles } from "../../state/line-file.ts";
import { LineWindow } from "../../state/line-window.ts";
import { type Line, readLines } from "../../state/read-lines.ts";
import { EntryIndex } from "./entry-index.ts";
import {
  type CommandEntry,
  commandEntry,
  endEntry,
  type HistoryEntry,
  serverEntry,
} from "./history-entry.ts";
import { type HistoryFilter, isWanted, mayBeWanted } from "./history-filter.ts";

/** What we write is far shorter. */
const MAX_LINE_BYTES = 64 * 1024;

/** Where the history is. */
export interface HistorySources {
  /** Journals of commands. Those that do not exist tell nothing. */
  journals: readonly string[];
  /** Audits of servers. */
  audits: readonly string[];
}

/** Which part of the history is wanted, and how much. */
export interface HistoryOptions extends HistoryFilter {
  /** The newest so many; 0: all. */
  limit: number;
  signal?: AbortSignal | undefined;
}

/** What is known of the history. What servers have written down stays in its files: there may be millions of lines. */
export interface History {
  /** How many entries there are. */
  count: number;
  /** There are older ones. */
  hasMore: boolean;
  /** Lines that are damaged. */
  damagedLines: number;
  /** Files that cannot be read. */
  unread: { path: string; problem: string }[];
  /**
   * Reads the entries, the oldest first; each call begins anew.
   *
   * @throws {CancelledError} if the signal is aborted
   * @throws {Error} the system's, if a file cannot be read any more
   */
  entries(): AsyncGenerator<HistoryEntry>;
  /** To be called when no more entries are wanted. */
  close(): void;
}

/**
 * Looks for what clients and commands have done, in files that were put aside too. Memory holds 16 bytes for each line of
 * an audit that is wanted, and the journals, which are small.
 *
 * @throws {CancelledError} if `signal` is aborted
 */
export async function readHistory(sources: HistorySources, options: HistoryOptions): Promise<History> {
  const reader = new HistoryReader(options);
  try {
    for (const path of sources.audits) await reader.readAudit(path);
    for (const path of sources.journals) await reader.readJournal(path);
  } catch (error) {
    reader.close();
    throw error;
  }
  return reader.history();
}

/** In the place of a file's number: commands, whose records are joined from two lines. */
const COMMANDS = 0;

class HistoryReader {
  readonly #options: HistoryOptions;
  readonly #index = new EntryIndex();
  readonly #files: number[] = [];
  /** Of files of audits; their numbers begin at 1. */
  readonly #windows = new Map<number, LineWindow>();
  readonly #commands = new Map<string, CommandEntry>();
  /** In a newer file than the command's begin, perhaps. */
  readonly #ends = new Map<string, CommandEnd>();
  readonly #unread: History["unread"] = [];
  #damagedLines = 0;
  #hasMore = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
  }

  /** The newest file first: as soon as there are enough entries, older ones need not be read. */
  async readAudit(path: string): Promise<void> {
    const { limit, sinceMs = Number.NEGATIVE_INFINITY } = this.#options;
    const known = this.#index.size;
    await this.#tellingProblems(path, async () => {
      const firstNumber = this.#windows.size + 1;
      const files = this.#open(path);
      for (const file of files)
        this.#windows.set(this.#windows.size + 1, new LineWindow(file, MAX_LINE_BYTES));
      for (const [index, file] of [...files.entries()].reverse()) {
        if (fstatSync(file).mtimeMs < sinceMs) continue;
        if (limit > 0 && this.#index.size - known >= limit) this.#hasMore = true;
        else await this.#findIn(file, firstNumber + index);
      }
    });
  }

  /** All of it: what a command changed may be known at its end only. */
  async readJournal(path: string): Promise<void> {
    await this.#tellingProblems(path, async () => {
      for (const file of this.#open(path)) {
        for await (const { text } of this.#lines(file)) {
          const record = this.#parse(text, parseCommandRecord);
          if (record?.type === "begin") this.#commands.set(record.id, commandEntry(record));
          else if (record) this.#ends.set(record.id, record);
        }
      }
    });
  }

  history(): History {
    const commands = this.#wantedCommands();
    for (const [offset, { time }] of commands.entries()) {
      this.#index.add(Date.parse(time), { file: COMMANDS, offset });
    }
    const { limit } = this.#options;
    const isCut = limit > 0 && this.#index.size > limit;
    return {
      count: isCut ? limit : this.#index.size,
      hasMore: this.#hasMore || isCut,
      damagedLines: this.#damagedLines,
      unread: this.#unread,
      entries: () => this.#entries(commands),
      close: () => this.close(),
    };
  }

  close(): void {
    for (const file of this.#files.splice(0)) closeSync(file);
  }

  #wantedCommands(): CommandEntry[] {
    for (const [id, entry] of this.#commands) {
      const end = this.#ends.get(id);
      if (end) endEntry(entry, end);
    }
    return [...this.#commands.values()].filter((entry) => isWanted(entry, this.#options));
  }

  async *#entries(commands: readonly CommandEntry[]): AsyncGenerator<HistoryEntry> {
    for (const { file, offset } of this.#index.newest(this.#options.limit)) {
      this.#options.signal?.throwIfAborted();
      const text = await this.#windows.get(file)?.lineAt(offset);
      const entry = text === undefined ? commands[offset] : this.#serverEntry(text);
      if (entry !== undefined) yield entry;
    }
  }

  async #findIn(file: number, number: number): Promise<void> {
    for await (const { text, offset } of this.#lines(file)) {
      if (!mayBeWanted(text, this.#options)) continue;
      const entry = this.#serverEntry(text);
      if (entry && isWanted(entry, this.#options)) {
        this.#index.add(Date.parse(entry.time), { file: number, offset });
      }
    }
  }

  #serverEntry(text: string): HistoryEntry | undefined {
    const record = this.#parse(text, parseAuditRecord);
    return record && serverEntry(record);
  }

  /** @returns descriptors, the oldest file first */
  #open(path: string): number[] {
    const files = openLineFiles(path);
    this.#files.push(...files);
    return files;
  }

  async #tellingProblems(path: string, read: () => Promise<void>): Promise<void> {
    try {
      await read();
    } catch (error) {
      this.#options.signal?.throwIfAborted();
      this.#unread.push({ path, problem: messageOf(error) });
    }
  }

  async *#lines(file: number): AsyncGenerator<Line> {
    for await (const line of readLines(file, MAX_LINE_BYTES)) {
      this.#options.signal?.throwIfAborted();
      if (line.text !== "") yield line;
    }
  }

  #parse<Kind>(text: string, parse: (json: unknown) => Kind | undefined): Kind | undefined {
    let record: Kind | undefined;
    try {
      record = parse(JSON.parse(text));
    } catch {
      // Cut off by a full disk or a crash.
    }
    if (record === undefined) this.#damagedLines++;
    return record;
  }
}
