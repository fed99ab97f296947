import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { parseCertificateBundle } from "../../lib/certificate-bundle.ts";
import { PemError } from "../../lib/pem-blocks.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import type { CommandContext } from "../context.ts";

/**
 * Reads a file with the certificates of authorities.
 *
 * @param file - as the option names it
 * @param option - such as `--ca`, for messages
 * @returns what it holds; undefined if no file is named
 * @throws {UsageError} if it cannot be read, or holds no certificates
 */
export async function readAuthority(
  { cwd }: CommandContext,
  file: string | undefined,
  option: string,
): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    const text = await readFile(resolve(cwd, file), "utf8");
    parseCertificateBundle(text);
    return text;
  } catch (cause) {
    const isPem = cause instanceof PemError;
    const reason = isPem ? cause.message : `cannot be read: ${fileProblemOf(cause)}`;
    throw new UsageError(`${option} ${file}: ${reason}`, { cause, hint: isPem ? cause.hint : undefined });
  }
}
