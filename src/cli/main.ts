import { CommanderError } from "commander";
import { RegistryCtlError, UsageError } from "../errors.ts";
import { createContext } from "./context.ts";
import { EXIT, exitCodeOf } from "./exit-codes.ts";
import { createProgram } from "./program.ts";
import { renderError } from "./report-error.ts";
import { onStopSignal } from "./stop-signals.ts";
import { readVersion } from "./version.ts";

/**
 * Runs the command line and sets the exit code. Never throws.
 *
 * @param args - without node and script
 */
export async function main(args: readonly string[] = process.argv.slice(2)): Promise<void> {
  // The SDK of S3 tells everybody on Node 20 that its later versions will want another one: a matter of this package's.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  const stop = onStopSignal();
  const version = readVersion();
  // The work goes on whatever becomes of its messages: a log on a full disk must not stop what is to mend that.
  process.stderr.on("error", () => undefined);
  let lost: Error | null = null;
  process.stdout.on("error", (error: Error) => {
    lost ??= error;
  });
  const context = createContext({
    args,
    version,
    signal: stop.signal,
    stoppedBy: stop.stoppedBy,
    onHangup: stop.onHangup,
  });
  try {
    const program = createProgram(context, (command) => context.recorded.enter(command));
    if (args.length === 0) program.help({ error: true });
    await program.parseAsync(args, { from: "user" });
    // An error of the last write has not been told yet.
    requireWritten(lost ?? process.stdout.errored);
    process.exitCode = context.exitCode;
    context.recorded.end(context.exitCode);
  } catch (thrown) {
    const error = asOurError(thrown);
    if (error === undefined) return;
    const exitCode = context.exitCode || exitCodeOf(error, stop.stoppedBy());
    process.exitCode = exitCode;
    context.recorded.end(exitCode, error);
    const { coloursFor } = await import("../ui/colour.ts");
    process.stderr.write(
      renderError(error, {
        json: args.includes("--json"),
        verbose: args.includes("--verbose") || args.includes("-v"),
        version,
        command: args.find((word) => !word.startsWith("-")) ?? "none",
        colours: coloursFor(process.stderr, { env: process.env, noColor: args.includes("--no-color") }),
      }),
    );
  } finally {
    stop.forget();
    // Node aborts when it exits on a terminal that is gone, but not when the signal ends it; a shell shows 129 for both.
    const isOnTerminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
    if (isOnTerminal && stop.stoppedBy() === "SIGHUP") {
      process.removeAllListeners("SIGHUP");
      process.kill(process.pid, "SIGHUP");
    }
  }
}

/** @returns undefined where Commander only tells that it has shown help or the version */
function asOurError(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  if (error.exitCode === 0) return undefined;
  if (error.code === "commander.help") {
    process.exitCode = EXIT.usage;
    return undefined;
  }
  const [message = "", suggestion] = error.message.replace(/^error: /, "").split("\n");
  return new UsageError(message, {
    hint: suggestion?.replace(/^\(|\)$/g, "") ?? "see registry-ctl --help",
    cause: error,
  });
}

/**
 * A reader that goes away (`| head`) is no error; what would have been written is of no use to anybody. Nor is a terminal
 * that was closed (EIO): its SIGHUP stops the command.
 *
 * @throws {RegistryCtlError} if the result was lost otherwise
 */
function requireWritten(error: Error | null): void {
  if (!error || ("code" in error && (error.code === "EPIPE" || error.code === "EIO"))) return;
  throw new RegistryCtlError("ERR_OUTPUT", `the result could not be written: ${error.message}`, {
    hint: "the command itself was carried out; see what standard output goes to",
    cause: error,
  });
}
