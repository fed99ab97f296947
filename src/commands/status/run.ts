import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type ProbeResult, probeWrites } from "../../client/write-probe.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { printable } from "../../lib/printable.ts";
import type { DescribedMigration } from "../../operations/migrate/describe-migration.ts";
import { lookAtRuns } from "../../operations/runs/look-at-runs.ts";
import { lookAtRegistry } from "../../operations/service/look-at-registry.ts";
import type { DiskReport, StatusReport } from "../../operations/service/status-report.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import { isOnSameDisk, roomAt } from "../../process/service/disks.ts";
import { probeTargetOf } from "../../process/service/host.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { readAppliedSettings } from "../../state/applied-settings.ts";
import { otherNodes } from "../../state/nodes.ts";
import { readRunHistory } from "../../state/run-history.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { knownMigrations } from "../migrate/known-migrations.ts";
import { openMigrations } from "../migrate/open-stores.ts";
import { type HostFlags, openHost } from "../start/open-host.ts";
import { dutiesOf } from "./duties.ts";
import { renderStatus } from "./render.ts";

/** What the command line of `status` says. */
export interface StatusFlags extends HostFlags {
  key?: string;
}

const DEGRADED = 1;
const NOT_RUNNING = 3;

/** Runs `status`. */
export async function runStatus(
  context: CommandContext,
  argument: string | undefined,
  flags: StatusFlags,
): Promise<void> {
  const { config, host } = await openHost(context, argument, flags);
  const { storage } = config.settings;
  const store = storeName(storage);
  const folders = stateFoldersOf(storage, flags.stateDir, await registryUserOf(config));
  const report = await lookAtRegistry({
    host,
    config: fileOf(config),
    store,
    applied: () => readAppliedSettings(folders),
    probeWrites: () => probe(context, config, flags),
    disks: async () => disksOf(config, folders),
    duties: (onProblem) => dutiesOf(store, flags.stateDir, onProblem),
    migrations: () => openMoves(context, config, flags.stateDir),
    inStore: async (pid) => {
      if (storage.driver === "inmemory") return undefined;
      const driver = await context.openStorage(config, { ...flags, quiet: true, readOnlyStore: true });
      const machine = currentMachine();
      const readHistory = () => readRunHistory(folders);
      const collections = await lookAtRuns({ driver, machine, readHistory, nowMs: Date.now });
      const nodes = (await otherNodes(driver, { machine, pid })).map(({ host, pid, address, version }) => ({
        ...{ host, pid, address, version },
      }));
      return { collections, nodes };
    },
  });
  if (!flags.json)
    for (const problem of report.problems) context.stderr.write(`warning: ${printable(problem)}\n`);
  context.report(report, (status) => renderStatus(status, Date.now()), flags);
  context.setExitCode(exitCodeOf(report));
}

/** Those that are done are told by `migrate status`. */
function openMoves(
  context: CommandContext,
  { settings }: LoadedConfig,
  stateDir: string | undefined,
): DescribedMigration[] {
  const moves = knownMigrations(openMigrations(context, stateDir), storeIdentity(settings.storage));
  return moves.filter(
    ({ phase, holdsReadOnly }) => holdsReadOnly || !["finished", "rolled-back"].includes(phase),
  );
}

function exitCodeOf({ state }: StatusReport): number {
  if (state === "running") return 0;
  return state === "degraded" ? DEGRADED : NOT_RUNNING;
}

function fileOf({ source }: LoadedConfig): StatusReport["config"] {
  if (source.kind === "embedded") return {};
  const info = statSync(source.path, { throwIfNoEntry: false });
  return { file: resolve(source.path), ...(info ? { changedAt: info.mtime.toISOString() } : {}) };
}

async function probe(
  context: CommandContext,
  config: LoadedConfig,
  { key }: StatusFlags,
): Promise<ProbeResult> {
  const { readProbeKey } = await import("../garbage-collect/probe-authorization.ts");
  const authorize = await readProbeKey(key, { cwd: context.cwd, auth: config.settings.auth });
  return probeWrites({ ...probeTargetOf(config), authorization: await authorize?.() });
}

function disksOf({ settings: { storage } }: LoadedConfig, stateFolders: readonly string[]): DiskReport[] {
  const disks: DiskReport[] = [];
  if (storage.driver === "filesystem")
    disks.push({ use: "store", ...roomAt(resolve(storage.rootDirectory)) });
  const [state] = stateFolders;
  if (state === undefined) return disks;
  const isAnother = storage.driver !== "filesystem" || !isOnSameDisk(state, resolve(storage.rootDirectory));
  if (isAnother) disks.push({ use: "state", ...roomAt(state) });
  return disks;
}
