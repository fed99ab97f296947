import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { Actor } from "./actor.ts";
import type {
  CommandBegin,
  CommandChange,
  CommandEnd,
  CommandOutcome,
  CommandRecord,
} from "./command-record.ts";
import { LineFile } from "./line-file.ts";

/** The journal of commands, in the folder of `stateBaseFolder`. */
export const COMMAND_JOURNAL_FILE = "journal.jsonl";
/** A line has some 500 bytes: so five years of a run each hour. */
const MAX_BYTES = 8 * 1024 * 1024;
const KEPT = 4;

/** What is known of a command before it does anything. */
export interface RunningCommand {
  command: string;
  arguments: readonly string[];
  actor: Actor;
  host: string;
  pid: number;
}

/** How a command ended. */
export interface CommandResult {
  outcome: CommandOutcome;
  exitCode: number;
  message?: string | undefined;
}

/** Options of {@link CommandJournal}. */
export interface CommandJournalOptions {
  /** What `stateBaseFolder` gives. */
  folder: string;
  command: RunningCommand;
  /** Told once if something cannot be written, which never keeps the command from its work. */
  onProblem: (error: unknown) => void;
  nowMs?: () => number;
}

/**
 * Writes down that one command changes something: a line before it begins and one when it has ended, both on the disk
 * before the command goes on. So a command that was killed is known too.
 */
export class CommandJournal {
  readonly #options: CommandJournalOptions;
  readonly #file: LineFile;
  readonly #id = randomUUID();
  #change: CommandChange = {};
  #isBegun = false;
  #isEnded = false;
  #problemTold = false;

  constructor(options: CommandJournalOptions) {
    this.#options = options;
    this.#file = new LineFile({
      path: join(options.folder, COMMAND_JOURNAL_FILE),
      maxBytes: MAX_BYTES,
      kept: KEPT,
    });
  }

  /** Opens the file and writes nothing: what is changed may be known only when the process has become another user. */
  open(): void {
    this.#try(() => this.#file.open());
  }

  /** Says what is about to be changed. What is said later stands in the end's line. */
  note(change: CommandChange): void {
    this.#change = { ...this.#change, ...change };
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { command } = this.#options;
    const { arguments: args, ...rest } = command;
    const begin: CommandBegin = {
      schemaVersion: 1,
      type: "begin",
      id: this.#id,
      time: this.#now(),
      ...rest,
      arguments: [...args],
      ...this.#change,
    };
    this.#write(begin);
  }

  /** Says how the command ended; nothing if it changed nothing. */
  end({ outcome, exitCode, message }: CommandResult): void {
    if (!this.#isBegun) this.#file.close();
    if (!this.#isBegun || this.#isEnded) return;
    this.#isEnded = true;
    const end: CommandEnd = {
      schemaVersion: 1,
      type: "end",
      id: this.#id,
      time: this.#now(),
      ...this.#change,
      outcome,
      exitCode,
      ...(message === undefined ? {} : { message }),
    };
    this.#write(end);
    this.#file.close();
  }

  #write(record: CommandRecord): void {
    this.#try(() => {
      this.#file.append([JSON.stringify(record)]);
      this.#file.sync();
    });
  }

  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (this.#problemTold) return;
      this.#problemTold = true;
      this.#options.onProblem(error);
    }
  }

  #now(): string {
    return new Date((this.#options.nowMs ?? Date.now)()).toISOString();
  }
}
