import { execa } from "execa";
import { RegistryCtlError, RegistryStateError } from "../errors.ts";
import type { WatchdogReply } from "./duties/watchdog-order.ts";

/** A command that is to stop may take so long to undo what it has begun. */
const STOP_WITHIN_MS = 30_000;

/**
 * Runs a command of this program, apart from this terminal.
 *
 * @param signal - asks the command to stop; its end is waited for all the same
 * @returns how it ended, whatever it was
 */
export async function runCommand(
  [program = "", ...args]: readonly string[],
  cwd: string,
  signal?: AbortSignal,
): Promise<WatchdogReply> {
  const {
    exitCode = 1,
    stdout = "",
    stderr = "",
  } = await execa(program, args, {
    ...{ reject: false, stdin: "ignore", cwd, detached: true, cleanup: false },
    ...(signal === undefined ? {} : { cancelSignal: signal, forceKillAfterDelay: STOP_WITHIN_MS }),
  });
  return { exitCode, stdout, stderr };
}

/** @returns this program with arguments; `--json` is added, so that what goes wrong can be read */
export function ownCommand(args: readonly string[]): string[] {
  const script = process.argv[1];
  if (script === undefined) throw new Error("the script that runs is not known");
  return [process.execPath, script, "--json", "--quiet", ...args];
}

const STATE_EXIT_CODE = 12;

/** @returns the error that a command of this program has told as JSON */
export function errorOfRun({ stderr, exitCode }: WatchdogReply, hint?: string): RegistryCtlError {
  const line = stderr.trim().split("\n").at(-1) ?? "";
  const fields = parseErrorLine(line);
  const message = fields.message ?? (line === "" ? `exit code ${exitCode}` : line);
  const options = { hint: fields.hint ?? hint };
  if (exitCode === STATE_EXIT_CODE) return new RegistryStateError(message, options);
  return new RegistryCtlError(fields.code ?? "ERR_NOT_RESTORED", message, options);
}

function parseErrorLine(line: string): { code?: string; message?: string; hint?: string } {
  try {
    const json = JSON.parse(line) as { error?: { code?: string; message?: string; hint?: string } };
    return json.error ?? {};
  } catch {
    return {};
  }
}
