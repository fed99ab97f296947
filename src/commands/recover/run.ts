import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { stateOfDuty } from "../../operations/hold/is-due.ts";
import { recoverRegistry } from "../../operations/service/recover-registry.ts";
import { openDuties } from "../../process/duties/open-duties.ts";
import { watchAgain } from "../../process/duties/watch-again.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { PlaceFlags } from "../cron/places.ts";
import { endKeptDuty } from "../readonly/end-kept-duty.ts";
import { renderRecover } from "./render.ts";

/** What the command line of `recover` says. */
export interface RecoverFlags extends PlaceFlags {
  stateDir?: string;
  force?: boolean;
  install?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
}

const PARTLY = 3;

/** Runs `recover`. */
export async function runRecover(context: CommandContext, flags: RecoverFlags): Promise<void> {
  if (flags.install) {
    const { runInstall } = await import("./run-install.ts");
    await runInstall(context, flags);
    return;
  }
  if (flags.prefixDir !== undefined) throw new UsageError("--prefix-dir is for --install");
  const duties = openDuties(flags.stateDir);
  const warn = (problem: string) => context.stderr.write(`warning: ${printable(problem)}\n`);
  const machine = currentMachine();
  const report = await recoverRegistry(
    {
      duties: duties.list(warn),
      stateOf: ({ duty }) => stateOfDuty(duty, machine, Date.now()),
      end: async (kept) => {
        await context.recordChange({
          target: kept.duty.store,
          summary: "bring back what was changed for a time",
        });
        return endKeptDuty(duties, kept, context.signal);
      },
      signal: context.signal,
    },
    { dryRun: isDryRun(flags), force: flags.force ?? false },
  );
  if (!report.dryRun) await watchAgain(duties.list(), Date.now());
  context.report(report, renderRecover, flags);
  if (report.failures > 0) context.setExitCode(PARTLY);
}
