import { resolve } from "node:path";
import { RegistryStateError } from "../../errors.ts";
import { openDuties } from "../../process/duties/open-duties.ts";
import type { CommandContext } from "../context.ts";
import { endKeptDuty } from "./end-kept-duty.ts";
import type { HoldFlags } from "./readonly-flags.ts";

/** What `readonly restore`, which watchdogs and timers run, prints with `--json`. */
interface RestoreReport {
  schemaVersion: 1;
  command: "readonly restore";
  done: string;
}

/** `readonly restore`. */
export async function runRestore(context: CommandContext, argument: string, flags: HoldFlags): Promise<void> {
  const duties = openDuties(flags.stateDir);
  const file = resolve(context.cwd, argument);
  const kept = duties.list().find((one) => one.file === file);
  let done = "nothing is left to undo";
  if (kept !== undefined) {
    await context.recordChange({ target: kept.duty.store });
    done = (await endKeptDuty(duties, kept, context.signal)) ?? done;
  } else if (duties.isThere(file)) {
    throw new RegistryStateError(`${file} is no duty of this user`, {
      hint: "run it as the user who made it",
    });
  }
  const report: RestoreReport = { schemaVersion: 1, command: "readonly restore", done };
  context.report(report, (shown) => shown.done, flags);
}
