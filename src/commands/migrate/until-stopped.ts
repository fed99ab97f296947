import { CancelledError, RegistryCtlError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import type { CommandContext } from "../context.ts";
import { MoveLocks } from "./move-locks.ts";

/**
 * Does the work of a command that can be gone on with; frees at its end what it has locked.
 *
 * @throws {CancelledError} that says how to go on, when somebody has stopped it
 */
export async function untilStopped(
  context: CommandContext,
  work: (locks: MoveLocks) => Promise<void>,
): Promise<void> {
  const locks = new MoveLocks((text) => context.stderr.write(`warning: ${printable(text)}\n`));
  try {
    await work(locks);
  } catch (error) {
    const isOther = error instanceof RegistryCtlError && !(error instanceof CancelledError);
    if (!context.signal.aborted || (isOther && error.code === "ERR_SWITCH")) throw error;
    throw new CancelledError("stopped; what is copied stays, and the same command goes on where it was", {
      cause: error,
    });
  } finally {
    await locks.release();
  }
}
