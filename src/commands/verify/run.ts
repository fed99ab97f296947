import type { CommandContext } from "../context.ts";
import { readChecksum, refuseVerifyFlags, type VerifyFlags } from "./verify-flags.ts";

export type { VerifyFlags } from "./verify-flags.ts";

/** Runs the command. */
export async function run(
  context: CommandContext,
  firstArgument: string | undefined,
  flags: VerifyFlags,
): Promise<void> {
  refuseVerifyFlags(flags);
  const { percent, argument } = readChecksum(flags.checksum, firstArgument);
  if (flags.against !== undefined) {
    const { runAgainst } = await import("./run-against.ts");
    await runAgainst(context, argument, { ...flags, against: flags.against }, percent);
  } else if (flags.repair) {
    const { runRepair } = await import("./run-repair.ts");
    await runRepair(context, argument, flags, percent);
  } else {
    const { runVerify } = await import("./run-verify.ts");
    await runVerify(context, argument, flags, percent);
  }
}
