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
  const ask = await promptOn(options);
  const { yes } = await orCancelled(
    ask<{ yes: boolean }>([{ type: "confirm", name: "yes", message: question, default: false }]),
  );
  if (!yes) throw new CancelledError("answered no; nothing was changed");
}

/**
 * Asks on stderr for a line of text.
 * @throws {UsageError} if there is no terminal to ask on
 * @throws {CancelledError} at Ctrl-C
 */
export async function askText(
  question: string,
  suggestion: string | undefined,
  options: PromptOptions,
): Promise<string> {
  if (!options.interactive) {
    throw new UsageError(`needs an answer, and there is no terminal to ask on: ${question}`);
  }
  const ask = await promptOn(options);
  const { text } = await orCancelled(
    ask<{ text: string }>([
      {
        type: "input",
        name: "text",
        message: question,
        ...(suggestion === undefined ? {} : { default: suggestion }),
      },
    ]),
  );
  return text;
}

/**
 * Asks on stderr for something that is not shown.
 * @throws {UsageError} if there is no terminal to ask on
 * @throws {CancelledError} at Ctrl-C
 */
export async function askSecret(question: string, options: PromptOptions): Promise<string> {
  if (!options.interactive) {
    throw new UsageError(`needs an answer, and there is no terminal to ask on: ${question}`);
  }
  const ask = await promptOn(options);
  const { secret } = await orCancelled(
    // Not to be made visible by a key either: the screen may be shared.
    ask<{ secret: string }>([{ type: "password", name: "secret", message: question, toggleMask: false }]),
  );
  return secret;
}

async function promptOn({ stdin, stderr, signal }: PromptOptions) {
  const { default: inquirer } = await import("inquirer");
  return inquirer.createPromptModule({ input: stdin as NodeJS.ReadableStream, output: stderr, signal });
}

async function orCancelled<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof Error && /ExitPrompt|AbortPrompt/.test(error.name))
      throw new CancelledError("stopped at the question; nothing was changed");
    throw error;
  }
}
