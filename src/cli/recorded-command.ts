import { homedir, hostname } from "node:os";
import { resolve } from "node:path";
import type { Command } from "commander";
import { CancelledError } from "../errors.ts";
import { MASK, maskText, namesSecret } from "../lib/mask-secrets.ts";
import { messageOf } from "../lib/message-of.ts";
import type { Actor } from "../state/actor.ts";
import type { CommandJournal } from "../state/command-journal.ts";
import type { CommandChange } from "../state/command-record.ts";

/** What {@link RecordedCommand} takes from the process. */
export interface RecordedCommandOptions {
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  onWarning: (text: string) => void;
}

/** Writes into the journal of commands what this process does, if it changes anything. Costs nothing before that. */
export class RecordedCommand {
  readonly #options: RecordedCommandOptions;
  /** Whom the process ran as at its start. */
  readonly #uid = process.getuid?.() ?? 0;
  #name = "";
  #stateDir: string | undefined;
  #journal: CommandJournal | undefined;

  constructor(options: RecordedCommandOptions) {
    this.#options = options;
  }

  /** To be told of the command that is about to run. */
  enter(command: Command): void {
    const names: string[] = [];
    for (let each: Command | null = command; each?.parent; each = each.parent) names.unshift(each.name());
    this.#name = names.join(" ");
    const { stateDir } = command.optsWithGlobals<{ stateDir?: string }>();
    this.#stateDir = stateDir === undefined ? undefined : resolve(stateDir);
  }

  /** See `CommandContext.expectChange`. Never rejects. */
  async expect(): Promise<void> {
    try {
      this.#journal ??= await this.#open();
      this.#journal.open();
    } catch (error) {
      this.#warn(error);
    }
  }

  /** Says what is about to be changed; see `CommandContext.recordChange`. Never rejects. */
  async note(change: CommandChange): Promise<void> {
    try {
      this.#journal ??= await this.#open();
      this.#journal.note(masked(change));
    } catch (error) {
      this.#warn(error);
    }
  }

  /** @returns who runs this process, as it was at its start */
  async actor(): Promise<Actor> {
    const { currentActor } = await import("../process/machine/current-actor.ts");
    return currentActor(this.#options.env, this.#uid);
  }

  /**
   * Says how the command has ended.
   *
   * @param error - what ended it; undefined: it has done what it was to do
   */
  end(exitCode: number, error?: unknown): void {
    const outcome = error === undefined ? "done" : error instanceof CancelledError ? "stopped" : "failed";
    const message = error === undefined ? undefined : maskText(messageOf(error));
    this.#journal?.end({ outcome, exitCode, message });
  }

  async #open(): Promise<CommandJournal> {
    const [{ CommandJournal }, { stateBaseFolder }, actor] = await Promise.all([
      import("../state/command-journal.ts"),
      import("../state/state-folder.ts"),
      this.actor(),
    ]);
    const { args, env } = this.#options;
    const uid = this.#uid;
    return new CommandJournal({
      folder: stateBaseFolder(this.#stateDir, { uid, home: homedir(), env }),
      command: {
        command: this.#name,
        arguments: args.map(maskArgument),
        actor,
        host: hostname(),
        pid: process.pid,
      },
      onProblem: (error) => this.#warn(error),
    });
  }

  #warn(error: unknown): void {
    const advice = "say with --state-dir where it can be";
    this.#options.onWarning(`the journal of commands cannot be written (${messageOf(error)}): ${advice}`);
  }
}

/** Secrets come from files and the environment; but an address may hold one, and somebody may try an option. */
function maskArgument(word: string): string {
  const equals = word.indexOf("=");
  if (word.startsWith("--") && equals > 0 && namesSecret(word.slice(0, equals)))
    return `${word.slice(0, equals)}=${MASK}`;
  return maskText(word);
}

function masked(change: CommandChange): CommandChange {
  return Object.fromEntries(
    Object.entries(change).map(([name, text]) => [name, typeof text === "string" ? maskText(text) : text]),
  );
}
