import { UsageError } from "../../errors.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import type { CommandContext } from "../context.ts";
import { readChecksum, refuseVerifyFlags, type VerifyFlags } from "./verify-flags.ts";

export type { VerifyFlags } from "./verify-flags.ts";

/** Runs the command. @param args - a configuration file at the most; with `--registry`, repositories */
export async function run(
  context: CommandContext,
  args: readonly string[],
  flags: VerifyFlags,
): Promise<void> {
  if (flags.registry !== undefined) {
    const { runOverHttp } = await import("./run-over-http.ts");
    await runOverHttp(context, flags.registry, namedRepositories(args, flags), flags);
    return;
  }
  refuseVerifyFlags(flags);
  const [firstArgument, ...others] = args;
  if (others.length > 0) {
    throw new UsageError(`too many arguments: expected one configuration file, got ${args.length}`, {
      hint: "name repositories with --repository; only with --registry they are arguments",
    });
  }
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

function namedRepositories(args: readonly string[], { repository = [] }: VerifyFlags): string[] {
  const names = [...args, ...repository];
  const odd = names.find((name) => !isRepositoryName(name));
  if (odd === undefined) return names;
  throw new UsageError(`${JSON.stringify(odd.slice(0, 300))} is no name of a repository`);
}
