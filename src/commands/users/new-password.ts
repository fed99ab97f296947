import { randomBytes } from "node:crypto";
import { CancelledError, RegistryCtlError, UsageError } from "../../errors.ts";
import { MAX_PASSWORD_BYTES, passwordProblem } from "../../lib/bcrypt-password.ts";
import type { CommandContext } from "../context.ts";

/** How a new password is given. */
export interface PasswordFlags {
  passwordStdin?: boolean;
  generate?: boolean;
}

/** 144 bits, in letters that need no quotes. */
const GENERATED_BYTES = 18;
/** Far more than a password may have: what comes after it is not waited for. */
const MAX_INPUT_BYTES = 4_096;

/**
 * Takes a new password from where the options say, else asks for it twice on the terminal.
 *
 * @throws {UsageError} if no hash can be made of it, or there is no terminal to ask on
 * @throws {RegistryCtlError} `ERR_PASSWORD_MISMATCH` if the two differ
 */
export async function newPassword(
  context: CommandContext,
  user: string,
  flags: PasswordFlags,
): Promise<{ password: string; isGenerated: boolean }> {
  if (flags.generate) {
    return { password: randomBytes(GENERATED_BYTES).toString("base64url"), isGenerated: true };
  }
  const password = flags.passwordStdin ? await readFromInput(context) : await askTwice(context, user);
  return { password, isGenerated: false };
}

/** @throws {UsageError} if two ways are asked for, or none is possible; to be called before any work */
export function checkPasswordFlags(context: CommandContext, flags: PasswordFlags): void {
  if (flags.generate && flags.passwordStdin) {
    throw new UsageError("--generate and --password-stdin are given", { hint: "give one of them" });
  }
  if (flags.passwordStdin && "isTTY" in context.stdin && context.stdin.isTTY === true) {
    throw new UsageError(
      "--password-stdin reads a pipe or a file, and standard input is a terminal that shows all",
      {
        hint: "leave the option out to be asked",
      },
    );
  }
  if (!flags.generate && !flags.passwordStdin && !context.interactive) {
    throw new UsageError("needs a password, and there is no terminal to ask on", {
      hint: "pass --password-stdin or --generate",
    });
  }
}

async function askTwice(context: CommandContext, user: string): Promise<string> {
  const first = await context.askSecret(`Password for ${user}:`);
  requireUsable(first);
  const second = await context.askSecret("The same again:");
  if (first === second) return first;
  throw new RegistryCtlError("ERR_PASSWORD_MISMATCH", "the two passwords differ; nothing was changed", {
    hint: "try again",
  });
}

async function readFromInput({ stdin, signal }: CommandContext): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  const stop = (): void => void stdin.destroy();
  signal.addEventListener("abort", stop);
  try {
    for await (const chunk of stdin) {
      const bytes = Buffer.from(chunk);
      chunks.push(bytes);
      size += bytes.length;
      if (size > MAX_INPUT_BYTES) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", stop);
  }
  if (signal.aborted) throw new CancelledError("stopped before anything was changed");
  const password = decode(Buffer.concat(chunks)).replace(/\r?\n$/, "");
  requireUsable(password);
  return password;
}

function decode(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError("the password is not UTF-8, which clients send", { cause });
  }
}

function requireUsable(password: string): void {
  const problem = passwordProblem(password);
  if (problem === undefined) return;
  throw new UsageError(`the password cannot be taken: ${problem}`, {
    hint: `it is one line of 1 to ${MAX_PASSWORD_BYTES} bytes`,
  });
}
