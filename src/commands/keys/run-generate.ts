import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { generateKeys } from "../../operations/keys/generate-keys.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderGenerated } from "./render-generated.ts";

/** The options of `keys generate`. */
export interface GenerateFlags extends GlobalFlags {
  key: string;
  certificate: string;
  addTo?: string;
  days: number;
  issuer?: string;
  force: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
}

/** What GitLab's packages call the owner of the certificate, and themselves in tokens. */
const OMNIBUS_COMMON_NAME = "Registry";
const OMNIBUS_ISSUER = "omnibus-gitlab-issuer";

/** Makes a pair and reports where its halves belong. */
export async function runGenerate(context: CommandContext, flags: GenerateFlags): Promise<void> {
  const { key, certificate, addTo, issuer } = flags;
  if ([key, certificate, addTo].includes("")) throw new UsageError("the name of a file is empty");
  const dryRun = isDryRun(flags);
  if (flags.readOnlyStore && !dryRun) {
    throw new UsageError("--read-only-store is given, and this would write files", { hint: "try --dry-run" });
  }
  const keyFile = resolve(context.cwd, key);
  if (!dryRun) {
    await context.recordChange({ target: keyFile });
    context.notice("making a key of 4096 bits", flags);
  }
  const report = await generateKeys({
    keyFile,
    certificateFile: resolve(context.cwd, certificate),
    addTo: addTo === undefined ? undefined : resolve(context.cwd, addTo),
    commonName: issuer ?? OMNIBUS_COMMON_NAME,
    days: flags.days,
    force: flags.force,
    dryRun,
    nowMs: Date.now(),
    signal: context.signal,
  });
  if (!dryRun && report.backups.length > 0) {
    await context.recordChange({ summary: `what was there is kept: ${report.backups.join(", ")}` });
  }
  context.report(report, (result) => renderGenerated(result, issuer ?? OMNIBUS_ISSUER), flags);
}
