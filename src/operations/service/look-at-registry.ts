import type { ProbeResult } from "../../client/write-probe.ts";
import type { Control, ServerStatus } from "../../control/protocol.ts";
import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { AppliedSettings } from "../../state/applied-settings.ts";
import type { DescribedMigration } from "../migrate/describe-migration.ts";
import type { RunsReport } from "../runs/look-at-runs.ts";
import { driftOf } from "./drift.ts";
import type { ForeignRegistry, RegistryHost } from "./registry-host.ts";
import { describeForeign } from "./start-registry.ts";
import type {
  DiskReport,
  DutyReport,
  NodeReport,
  ReadOnlyReport,
  ServerReport,
  ServiceReport,
  StatusReport,
} from "./status-report.ts";
import { isServing } from "./wait-until-serving.ts";

/** A disk with less than this part of its bytes or inodes left is as good as full: uploads need room to begin with. */
const LOW_PART = 0.01;

/** What a look at a registry works with. Whatever fails is told of, and the rest is looked at nevertheless. */
export interface LookAtRegistry {
  host: RegistryHost;
  config: StatusReport["config"];
  store: string;
  /** Undefined: nothing was applied yet, or that is not known. */
  applied: () => AppliedSettings | undefined;
  /** Whether the registry at the address of the configuration takes writes. */
  probeWrites: () => Promise<ProbeResult>;
  disks: () => Promise<DiskReport[]>;
  /**
   * @param onProblem - is told of those that cannot be understood, of whatever store
   * @returns duties that concern this store
   */
  duties: (onProblem: (problem: string) => void) => DutyReport[];
  /** @returns moves of this registry to another store, which are under way or were left half done */
  migrations?: () => DescribedMigration[];
  /**
   * Comes last, since it may change the user of this process. Undefined: there is nothing to look at.
   *
   * @param pid - of our server, if it runs
   */
  inStore: (pid: number | undefined) => Promise<{ collections: RunsReport; nodes: NodeReport[] } | undefined>;
}

/** Tells whether the registry serves, with what, and what is not as it should be. Changes nothing. */
export async function lookAtRegistry(look: LookAtRegistry): Promise<StatusReport> {
  const { host, config, store } = look;
  const reasons: string[] = [];
  const problems: string[] = [];
  const attempt = async <T>(what: string, work: () => T | Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      problems.push(`${what}: ${messageOf(error)}`);
      return otherwise;
    }
  };
  const control = (await host.findControl()) ?? (await host.findOfConfig());
  const status = control && (await ask(control, reasons));
  if (status && status.store !== store)
    reasons.push(
      `the server (process ${status.pid}) works on ${status.store}, and the file names another store: see the drift, and registry-ctl reload`,
    );
  const running = await attempt("other registries cannot be looked for", () => host.findForeign(), []);
  const others = running.filter(({ pid }) => pid !== status?.pid);
  const service = await attempt("the service cannot be asked", () => serviceOf(host), undefined);
  const isThere = control !== undefined || others.length > 0 || service?.isRunning === true;
  const readOnly = await attempt(
    "whether it is read-only cannot be told",
    () => readOnlyOf(status, isThere ? look.probeWrites : undefined),
    { on: null, by: "nothing" } satisfies ReadOnlyReport,
  );
  if (isThere) reasons.push(...(await reasonsOf(host, control, status, others)));
  const drift = await attempt(
    "what the running server uses cannot be compared with the file",
    () => driftOf({ control, status, others, config, applied: look.applied() }),
    { keys: [], lines: [] },
  );
  if (drift.isInvalid)
    reasons.push("the configuration file is not valid any more: the next start would fail");
  const disks = await attempt("the room on the disks cannot be told", look.disks, []);
  reasons.push(...disks.flatMap(lowReasons));
  const lost = (problem: string) =>
    reasons.push(`something may be left half done, but ${problem}: put it right by hand, and remove that`);
  const duties = await attempt("what was left half done cannot be told", () => look.duties(lost), []);
  if (duties.some(({ isDue }) => isDue))
    reasons.push('something was left half done: run "registry-ctl recover"');
  const migrations = await attempt("moves cannot be told", () => look.migrations?.() ?? [], []);
  for (const { holdsReadOnly, isRunning, state: is, next } of migrations)
    if (holdsReadOnly && !isRunning) reasons.push(`${is}: ${next}`);
  const inStore = await attempt("the store cannot be asked", () => look.inStore(status?.pid), undefined);
  reasons.push(...(inStore?.collections.reasons ?? []).map((reason) => `garbage collection: ${reason}`));
  const state = !isThere ? "stopped" : reasons.length > 0 ? "degraded" : "running";
  return {
    ...{ schemaVersion: 1, command: "status", state, reasons },
    ...(status ? { server: serverOf(status) } : {}),
    ...{ others, config, store },
    ...(service ? { service } : {}),
    ...{ readOnly, drift: { keys: drift.keys, lines: drift.lines }, disks },
    ...(inStore ? { collections: inStore.collections } : {}),
    ...{ duties, ...(migrations.length === 0 ? {} : { migrations }) },
    ...{ nodes: inStore?.nodes ?? [], problems },
  };
}

async function ask(control: Control, reasons: string[]): Promise<ServerStatus | undefined> {
  try {
    return await control.status();
  } catch (error) {
    reasons.push(`the server does not answer on its control socket: ${messageOf(error)}`);
    return undefined;
  }
}

async function serviceOf({ service }: RegistryHost): Promise<ServiceReport | undefined> {
  if (!service) return undefined;
  const [isRunning, pid] = [await service.isRunning(), await service.pid()];
  return {
    ...{ spec: service.spec, description: service.describe(), isRunning: isRunning ?? null },
    ...(pid === undefined ? {} : { pid }),
  };
}

async function readOnlyOf(
  status: ServerStatus | undefined,
  probe: (() => Promise<ProbeResult>) | undefined,
): Promise<ReadOnlyReport> {
  if (status) return { ...status.readOnly, by: "socket" };
  const result = await probe?.();
  if (result?.kind === "read-only") return { on: true, by: "probe" };
  if (result?.kind === "other" && result.takesWrites) return { on: false, by: "probe" };
  return { on: null, by: "nothing" };
}

async function reasonsOf(
  host: RegistryHost,
  control: Control | undefined,
  status: ServerStatus | undefined,
  others: readonly ForeignRegistry[],
): Promise<string[]> {
  const reasons = [...(status?.problems ?? [])];
  if (status && !isServing(status)) reasons.push("not all workers listen");
  const probe = await host.probe();
  if (probe.kind === "other") reasons.push(`at its address it answers ${probe.answer}`);
  if (probe.kind === "nobody") reasons.push("nothing listens at its address");
  // Two programs that change one store know nothing of each other's uploads and deletes.
  const [other] = others;
  if (control && other) reasons.push(`${describeForeign(other)} works on the same store`);
  return reasons;
}

function serverOf(status: ServerStatus): ServerReport {
  const { pid, version, startedAt, configuredAt, address, workers } = status;
  const { uploadsInFlight, requestsInFlight, logLevel } = status;
  return {
    ...{ pid, version, startedAt, configuredAt, address, workers },
    ...{ uploadsInFlight, requestsInFlight, logLevel },
  };
}

function lowReasons({ use, path, freeBytes, totalBytes, freeInodes, totalInodes }: DiskReport): string[] {
  const reasons: string[] = [];
  if (totalBytes > 0 && freeBytes / totalBytes < LOW_PART)
    reasons.push(`the disk of the ${use} is full: ${path}`);
  if (totalInodes > 0 && freeInodes / totalInodes < LOW_PART)
    reasons.push(`the disk of the ${use} has no inodes left: ${path}`);
  return reasons;
}
