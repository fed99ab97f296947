import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import { RegistryStateError, UsageError } from "../../errors.ts";
import { changeServer } from "../../operations/readonly/change-server.ts";
import { type PersistedChange, planPersisted } from "../../operations/readonly/persisted-change.ts";
import { saysReadOnly } from "../../operations/readonly/read-only-key.ts";
import type { ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";
import { describeFacts, isDown } from "../../operations/readonly/registry-facts.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { askForFile } from "./ask-for-file.ts";
import { changeByGitlab } from "./change-by-gitlab.ts";
import { changeByService } from "./change-by-service.ts";
import { holdOtherServers, releaseOtherServers } from "./change-nodes.ts";
import { type OpenedRegistry, openRegistry } from "./open-registry.ts";
import { planOf } from "./planned-report.ts";
import type { ReadOnlyFlags } from "./readonly-flags.ts";
import { renderReadOnly } from "./render.ts";

/** `readonly on` and `readonly off`. */
export async function runReadOnly(
  context: CommandContext,
  readOnly: boolean,
  argument: string | undefined,
  flags: ReadOnlyFlags,
): Promise<void> {
  if (flags.for !== undefined && flags.persist) {
    throw new UsageError("--for and --persist contradict each other", {
      hint: "a change of the configuration file lasts until it is taken back",
    });
  }
  if (flags.for === 0)
    throw new UsageError("--for 0 would end it at once", { hint: "leave it out, or give a time such as 2h" });
  const config = await context.loadConfig({ argument, flags });
  const opened = await openRegistry(context, config, flags);
  const report = await change(context, opened, readOnly, flags);
  for (const warning of report.warnings) context.stderr.write(`warning: ${warning}\n`);
  context.report(report, renderReadOnly, flags);
}

async function change(
  context: CommandContext,
  opened: OpenedRegistry,
  readOnly: boolean,
  flags: ReadOnlyFlags,
): Promise<ReadOnlyReport> {
  const { server, file } = opened;
  const isRendered = file !== undefined && gitlabPackageOf(file) !== undefined;
  if (server !== undefined) {
    const persist = flags.persist && !isRendered ? planned(opened, readOnly) : undefined;
    const report = await changeOurs(context, opened, { readOnly, persist }, flags);
    return flags.persist && isRendered
      ? changeByGitlab(context, opened, { readOnly, report }, flags)
      : report;
  }
  if (isRendered) return changeByGitlab(context, opened, { readOnly, report: undefined }, flags);
  await requireService(opened);
  return changeByService(context, opened, { readOnly, persist: planned(opened, readOnly) }, flags);
}

async function changeOurs(
  context: CommandContext,
  opened: OpenedRegistry,
  { readOnly, persist }: { readOnly: boolean; persist: PersistedChange | undefined },
  flags: ReadOnlyFlags,
): Promise<ReadOnlyReport> {
  const { server, dependencies, by } = opened;
  if (server === undefined) throw new Error("there is no server");
  if (persist) await askForFile(context, persist, flags);
  if (isDryRun(flags)) return planOf(opened, readOnly, persist);
  const before = (await server.control.status()).readOnly;
  await context.recordChange({
    target: dependencies.store,
    before: before.on ? "read-only" : "read-write",
    after: readOnly ? "read-only" : "read-write",
  });
  const reason = `readonly ${readOnly ? "on" : "off"} by ${by}`;
  const wanted = { readOnly, forMs: flags.for, reason, drainMs: flags.timeout, persist };
  const problem = !readOnly && before.on ? await releaseOtherServers(opened) : undefined;
  const otherServers = readOnly ? await holdOtherServers(opened, wanted, context.signal) : [];
  try {
    const report = await changeServer(
      { ...dependencies, control: server.control, signal: context.signal },
      wanted,
    );
    const warnings = [...report.warnings, ...(problem === undefined ? [] : [problem])];
    const lasting = readOnly || persist ? undefined : lastingProblem(opened);
    if (lasting !== undefined) warnings.push(lasting);
    return { ...report, otherServers, warnings };
  } catch (error) {
    if (otherServers.length > 0) await releaseOtherServers(opened);
    throw error;
  }
}

/** @returns that the next start of the server would be another one than the state is now */
function lastingProblem({ dependencies, file }: OpenedRegistry): string | undefined {
  if (file === undefined || !saysReadOnly(dependencies.files.read(file), file)) return undefined;
  return `${file} says read-only: so will the server be when it reads it again; --persist changes that too`;
}

function planned({ dependencies, file, config }: OpenedRegistry, readOnly: boolean): PersistedChange {
  return planPersisted(dependencies.files, file, { readOnly, effective: config.settings.readOnly });
}

async function requireService({ chosen, dependencies }: OpenedRegistry): Promise<void> {
  if (chosen.service !== undefined) return;
  const facts = await dependencies.ask();
  if (isDown(facts)) {
    throw new RegistryStateError("the registry does not run", {
      hint: "start it first; or say with --service what runs it",
    });
  }
  throw new RegistryStateError(
    `the registry has no control socket that could be found: ${describeFacts(facts)}`,
    {
      hint: "say with --service what runs it; or with --control-socket where the socket of a registry-ctl is",
    },
  );
}
