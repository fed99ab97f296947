import { probeReads, type ReadProbeResult } from "../../client/read-probe.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import { countOf } from "../../lib/count-of.ts";
import { printable } from "../../lib/printable.ts";
import { changesOf } from "../../operations/derived/planned-file.ts";
import { applyToServer } from "../../operations/reconfigure/apply-to-server.ts";
import { applyToService } from "../../operations/reconfigure/apply-to-service.ts";
import type { DerivedKind } from "../../operations/reconfigure/derived-files.ts";
import type { ReconfigureReport } from "../../operations/reconfigure/reconfigure-report.ts";
import { takeBackFiles, writePlannedFiles } from "../../process/files/write-planned-files.ts";
import { noteApplied } from "../../process/service/note-applied.ts";
import { coloursFor } from "../../ui/colour.ts";
import type { CommandContext } from "../context.ts";
import type { HostFlags, OpenedHost } from "../start/open-host.ts";
import { makePair } from "./missing-keys.ts";
import { type Prepared, prepare } from "./prepare.ts";
import { asksForCertificate, probeTarget } from "./probe-target.ts";
import { renderPlan, renderReconfigure } from "./render.ts";

/** What the command line of `reconfigure` says. */
export interface ReconfigureFlags extends HostFlags {
  write?: DerivedKind[];
  prefixDir?: string;
  nginxCertificate?: string;
  nginxKey?: string;
  generateKeys?: boolean;
  /** In milliseconds. */
  timeout: number;
  yes?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
  color?: boolean;
}

/** Runs `reconfigure`. */
export async function runReconfigure(
  context: CommandContext,
  argument: string | undefined,
  flags: ReconfigureFlags,
): Promise<void> {
  const prepared = await prepare(context, argument, flags);
  const { report, files } = prepared;
  for (const warning of report.warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  const stream = report.dryRun ? context.stdout : context.stderr;
  const colours = coloursFor(stream, { env: context.env, noColor: flags.color === false });
  const plan = renderPlan(report, files, colours);
  if (plan !== "" && !report.dryRun && !(flags.quiet && flags.yes)) context.stderr.write(`${plan}\n`);
  if (report.outcome === "would-change" && !report.dryRun) {
    await context.confirm(question(report), flags);
    await change(context, prepared, flags);
  }
  if (!report.dryRun) prepared.opened.remember();
  context.report(report, (result) => renderReconfigure(result, plan), flags);
}

async function change(context: CommandContext, prepared: Prepared, flags: ReconfigureFlags): Promise<void> {
  const { path, pair, files, report } = prepared;
  const changes = changesOf(files);
  await context.recordChange({ target: path, summary: summaryOf(report, changes.length) });
  const progress = context.progress("applying the configuration", flags);
  try {
    if (pair !== undefined) await makePair(pair, context.signal);
    report.backups = await writePlannedFiles(changes);
    try {
      await apply(context, prepared, flags);
    } catch (error) {
      // They derive from a configuration that is not in use.
      for (const problem of await takeBackFiles(changes, report.backups)) {
        context.stderr.write(`warning: ${printable(`what was written stays: ${problem}`)}\n`);
      }
      throw error;
    }
  } finally {
    progress.stop();
  }
}

async function apply(context: CommandContext, prepared: Prepared, flags: ReconfigureFlags): Promise<void> {
  const { opened, server, earlier, report } = prepared;
  const { config, host } = opened;
  const timeoutMs = flags.timeout;
  if (server.kind === "none") {
    report.outcome = "not-running";
  } else if (server.kind === "service") {
    await applyToService(host, server.service, {
      timeoutMs,
      bringBack: async () => (await earlier?.bringBack()) ?? undefined,
    });
    report.outcome = "restarted";
    const pid = await server.service.pid();
    if (pid !== undefined) report.pid = pid;
    const problem = await earlier?.keep();
    if (problem !== undefined) report.warnings.push(`what it serves with is not remembered: ${problem}`);
  } else {
    const probe = async (address: string): Promise<ReadProbeResult> =>
      asksForCertificate(config.settings.http)
        ? { kind: "denied", answer: "it asks for a certificate" }
        : probeReads(probeTarget(address, config.settings.http, report.pending));
    const { answer, status } = await applyToServer(host, server.control, { timeoutMs, probe });
    Object.assign(report, { outcome: "applied", ...answer, pid: status.pid });
    await note(context, config, opened, flags);
  }
}

async function note(
  context: CommandContext,
  config: LoadedConfig,
  { host }: OpenedHost,
  flags: ReconfigureFlags,
): Promise<void> {
  const problem = await noteApplied(config, flags.stateDir, host, "reconfigure");
  if (problem !== undefined) context.notice(problem, flags);
}

function question({ server, compared }: ReconfigureReport): string {
  if (server === "ours") return "Apply this to the running server?";
  if (server === "none") return "Write this?";
  return compared
    ? "Restart the registry with this?"
    : "Restart the registry, of which is not known what configuration it uses?";
}

function summaryOf({ changed, keys }: ReconfigureReport, files: number): string {
  const parts = [countOf(changed.length, "key"), countOf(files, "file"), ...(keys ? ["a pair of keys"] : [])];
  return `apply the configuration: ${parts.join(", ")}`;
}
