import { execa } from "execa";
import type { LogSource } from "../../control/service.ts";
import { RegistryCtlError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { type FollowOptions, followFile } from "./follow-file.ts";

/**
 * Reads the end of a log and, if wanted, what is added to it.
 *
 * @throws {RegistryCtlError} `ERR_LOG` if it cannot be read
 */
export async function* followLog(
  source: Exclude<LogSource, { kind: "none" }>,
  options: FollowOptions,
): AsyncGenerator<string | Uint8Array> {
  if (source.kind === "program") {
    yield* followProgram(source, options);
    return;
  }
  try {
    yield* followFile(source.path, options);
  } catch (cause) {
    throw new RegistryCtlError("ERR_LOG", `the log ${source.path} cannot be read: ${fileProblemOf(cause)}`, {
      cause,
      hint: "run as root, or as the registry's user",
    });
  }
}

async function* followProgram(
  { file, args }: Extract<LogSource, { kind: "program" }>,
  { lines, follow, signal }: FollowOptions,
): AsyncGenerator<string | Uint8Array> {
  const program = execa(file, args(lines, follow), {
    stdin: "ignore",
    buffer: { stdout: false, stderr: true },
    reject: false,
    cancelSignal: signal,
  });
  for await (const chunk of program.iterable({ from: "stdout", binary: true, preserveNewlines: true }))
    yield chunk;
  const { exitCode, isCanceled, stderr, originalMessage } = await program;
  if (isCanceled || exitCode === 0) return;
  const said = stderr === undefined || stderr === "" ? (originalMessage ?? `exit code ${exitCode}`) : stderr;
  throw new RegistryCtlError("ERR_LOG", `${file} does not show the log: ${said}`, { hint: "run as root" });
}
