import type { Readable, Writable } from "node:stream";
import { CancelledError, UsageError } from "../errors.ts";

/** Where a question is asked. */
export interface PromptOptions {
  interactive: boolean;
  stdin: Readable;
  stderr: Writable;
  signal: AbortSignal;
}

/**
 * Asks a yes-or-no question on stderr; the default answer is no.
 * @throws {UsageError} if there is no terminal to ask on
 * @throws {CancelledError} if the answer is no, or Ctrl-C
 */
export async function confirm(question: string, options: PromptOptions): Promise<void> {
  if (!options.interactive) {
    throw new UsageError(`needs an answer, and there is no terminal to ask on: ${question}`, {
      hint: "pass --yes to go on without being asked",
    });
  }
  const { default: inquirer } = await import("inquirer");
  const ask = inquirer.createPromptModule({
    input: options.stdin as NodeJS.ReadableStream,
    output: options.stderr,
    signal: options.signal,
  });
  let yes = false;
  try {
    const answer = await ask<{ yes: boolean }>([
      { type: "confirm", name: "yes", message: question, default: false },
    ]);
    yes = answer.yes;
  } catch (error) {
    if (error instanceof Error && /ExitPrompt|AbortPrompt/.test(error.name))
      throw new CancelledError("stopped at the question; nothing was changed");
    throw error;
  }
  if (!yes) throw new CancelledError("answered no; nothing was changed");
}
