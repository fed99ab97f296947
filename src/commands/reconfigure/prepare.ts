import { existsSync } from "node:fs";
import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import { loadConfig } from "../../config/load-config.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import { refuseOutside } from "../../operations/derived/inside-root.ts";
import { changesOf } from "../../operations/derived/planned-file.ts";
import {
  type DerivedFile,
  linesBesideCron,
  planDerivedFiles,
} from "../../operations/reconfigure/derived-files.ts";
import { missingForNginx } from "../../operations/reconfigure/nginx-site.ts";
import type { ReconfigureReport } from "../../operations/reconfigure/reconfigure-report.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { type OpenedHost, openHost } from "../start/open-host.ts";
import { derivedFacts } from "./derived-facts.ts";
import { type EarlierConfig, earlierConfig } from "./earlier-config.ts";
import { type MissingPair, missingPair } from "./missing-keys.ts";
import type { ReconfigureFlags } from "./run.ts";
import { type ServerOfConfig, serverOf } from "./server-of-config.ts";

/** All that is known before anything is changed. */
export interface Prepared {
  opened: OpenedHost;
  path: string;
  server: ServerOfConfig;
  earlier: EarlierConfig | undefined;
  pair: MissingPair | undefined;
  files: DerivedFile[];
  report: ReconfigureReport;
}

/**
 * Looks at the configuration, the server and the files, and changes nothing.
 *
 * @throws {ConfigError} if the configuration is wrong
 * @throws {RegistryStateError} if nobody would take it, or somebody else writes the files
 */
export async function prepare(
  context: CommandContext,
  argument: string | undefined,
  flags: ReconfigureFlags,
): Promise<Prepared> {
  const dryRun = isDryRun(flags);
  const opened = await openHost(context, argument, flags, { timeoutMs: flags.timeout });
  const { config, host } = opened;
  if (config.source.kind === "embedded") {
    throw new UsageError("there is no configuration file to be applied", {
      hint: "name it: registry-ctl reconfigure FILE",
    });
  }
  const { path } = config.source;
  refuseGitlabPackage(path, flags);
  const pair = missingPair(config.settings, { cwd: context.cwd, generate: flags.generateKeys ?? false });
  const kinds = flags.write ?? [];
  const facts = await derivedFacts(context, config, path, flags);
  const files = planDerivedFiles(kinds, facts);
  refuseOutside(facts.root, files);
  const server = await serverOf(host, path);
  if (server.kind === "none" && host.service === undefined)
    await refuseWhatServeRefuses(context, path, flags);
  const preview = server.kind === "ours" ? await server.control.previewReload() : undefined;
  if (preview?.refused !== undefined && !dryRun) throw refusedBy(preview.refused);
  const earlier = server.kind === "service" ? await earlierConfig(context, config, path, flags) : undefined;
  const warnings = linesBesideCron(kinds, facts).map(
    (line) => `${line} collects garbage too; registry-ctl cron install switches it off`,
  );
  for (const { path: file } of changesOf(files).filter(({ keepsBefore }) => keepsBefore)) {
    warnings.push(`${file} was not made by registry-ctl: what is in it is kept beside it`);
  }
  if (kinds.includes("nginx")) {
    const missing = missingForNginx(facts.site, (file) => existsSync(file));
    if (missing.length > 0) warnings.push(`nginx will not start without ${missing.join(" and ")}`);
  }
  const report: ReconfigureReport = {
    schemaVersion: 1,
    command: "reconfigure",
    dryRun,
    config: path,
    server: server.kind,
    ...(server.kind === "ours" ? { pid: server.status.pid } : {}),
    changed: preview?.changed ?? earlier?.changed ?? [],
    compared: preview !== undefined || earlier?.text !== undefined,
    files: files.map(({ kind, path: file, before, after }) => ({
      kind,
      path: file,
      change: before === undefined ? "new" : before === after ? "unchanged" : "changed",
    })),
    ...(pair === undefined ? {} : { keys: { keyFile: pair.keyFile, certificateFile: pair.certificateFile } }),
    backups: [],
    outcome: "unchanged",
    replaced: preview?.replaced ?? false,
    pending: preview?.pending ?? [],
    ...(preview?.refused === undefined ? {} : { refused: preview.refused }),
    warnings,
  };
  const isOpen = server.kind === "service" && !report.compared;
  const applies = server.kind === "service" || report.changed.some((key) => key.applies !== "restart");
  const hasKeys = report.changed.length > 0 && applies;
  if (hasKeys || changesOf(files).length > 0 || pair !== undefined || isOpen) report.outcome = "would-change";
  else if (server.kind === "none") report.outcome = "not-running";
  else if (report.changed.length > 0) report.outcome = "pending";
  return { opened, path, server, earlier, pair, files, report };
}

/** A running server refuses it by itself; nobody would say so before the next start. */
async function refuseWhatServeRefuses(
  { cwd, env }: CommandContext,
  path: string,
  { envFrom, allowUnimplemented }: ReconfigureFlags,
): Promise<void> {
  await loadConfig({ cwd, env, argument: path, envFrom, allowUnimplemented, refuseUnimplemented: true });
}

/** Before anything derived from the file is written. */
function refusedBy(why: string): RegistryStateError {
  return new RegistryStateError(why, {
    hint: "registry-ctl migrate copies and changes the store; by hand: registry-ctl readonly on before the file names the other one",
  });
}

function refuseGitlabPackage(path: string, { write = [], generateKeys = false }: ReconfigureFlags): void {
  const gitlab = write.length > 0 || generateKeys ? gitlabPackageOf(path) : undefined;
  if (gitlab === undefined) return;
  throw new RegistryStateError(
    `${path} comes from GitLab's package, which writes nginx, cron and key files itself`,
    {
      hint: `change ${gitlab.gitlabRb} and run gitlab-ctl reconfigure`,
    },
  );
}
