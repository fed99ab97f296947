import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { type ProtectedImages, readProtected } from "../../operations/tags/protected.ts";
import type { CommandContext } from "../context.ts";

/**
 * Reads what `--protect` names, before anything is done.
 *
 * @param path - undefined: nothing is protected
 * @throws {UsageError} if it cannot be read, or a line is no image
 */
export async function readProtectFile(
  context: Pick<CommandContext, "cwd" | "stdin">,
  path: string | undefined,
): Promise<ProtectedImages | undefined> {
  if (path === undefined) return undefined;
  return readProtected(path === "-" ? "standard input" : path, chunksOf(context, path, "--protect"));
}

/**
 * The content of a file that is named on the command line.
 *
 * @param path - `-` is standard input
 * @param option - that names it, for messages
 * @throws {UsageError} if it cannot be read
 */
export async function* chunksOf(
  { cwd, stdin }: Pick<CommandContext, "cwd" | "stdin">,
  path: string,
  option: string,
): AsyncGenerator<Uint8Array> {
  const stream = path === "-" ? stdin : createReadStream(resolve(cwd, path));
  try {
    for await (const chunk of stream) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  } catch (error) {
    throw new UsageError(`${option}: ${path} cannot be read: ${fileProblemOf(error)}`, { cause: error });
  }
}
