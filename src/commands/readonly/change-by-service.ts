import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import { holdConfiguration } from "../../operations/hold/hold-configuration.ts";
import { stateOfDuty } from "../../operations/hold/is-due.ts";
import type { PersistedChange } from "../../operations/readonly/persisted-change.ts";
import { textDigest } from "../../operations/readonly/read-only-key.ts";
import { proofOf, type ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";
import { describeDuty, dutyOf } from "../../operations/readonly/read-only-status.ts";
import {
  isDown,
  isProvedReadOnly,
  isProvedReadWrite,
  isUnprovable,
  type RegistryFacts,
  unprovable,
} from "../../operations/readonly/registry-facts.ts";
import { releaseConfiguration } from "../../operations/readonly/release-configuration.ts";
import { endDutyAt } from "../../process/duties/watch-duty.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import type { KeptDuty } from "../../state/duties.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { askForFile } from "./ask-for-file.ts";
import { endKeptDuty } from "./end-kept-duty.ts";
import type { OpenedRegistry } from "./open-registry.ts";
import { planOf } from "./planned-report.ts";
import type { ReadOnlyFlags } from "./readonly-flags.ts";

/** What is wanted of a registry without a control socket. */
export interface ServiceChange {
  readOnly: boolean;
  persist: PersistedChange;
}

/**
 * Changes a registry that has no control socket: by its file, a restart by its service, and a proof.
 *
 * @throws {RegistryStateError} if that cannot be proved; all is as before then
 */
export async function changeByService(
  context: CommandContext,
  opened: OpenedRegistry,
  wanted: ServiceChange,
  flags: ReadOnlyFlags,
): Promise<ReadOnlyReport> {
  const { chosen, dependencies } = opened;
  const { service } = chosen;
  if (service === undefined) throw new Error("there is no service");
  const facts = await dependencies.ask();
  requireRunning(facts, service, await service.isRunning());
  const duty = dutyOf({ duties: dependencies.duties, file: opened.file });
  if (duty) refuseHeld(duty);
  const change = { ...wanted, persist: asBefore(wanted.persist, duty) };
  const isThere =
    change.persist.before === change.persist.after &&
    (change.readOnly ? isProvedReadOnly(facts) : isProvedReadWrite(facts));
  if (!isThere && change.readOnly && isUnprovable(facts)) throw unprovable(facts);
  if (!isThere) await askForFile(context, change.persist, flags, service.describe());
  if (isDryRun(flags)) return planOf(opened, change.readOnly, change.persist);
  await context.recordChange({
    target: change.persist.file,
    before: change.persist.wasReadOnly ? "read-only" : "read-write",
    after: change.readOnly ? "read-only" : "read-write",
  });
  const step = { service, facts, duty, isThere, flags };
  const report = change.readOnly
    ? await on(context, opened, change, step)
    : await off(context, opened, change, step);
  const remembered = chosen.remember();
  if (remembered !== undefined) context.notice(remembered, flags);
  return report;
}

interface Step {
  service: Service;
  facts: RegistryFacts;
  /** What is written down about an earlier change. */
  duty: KeptDuty | undefined;
  /** It is as wanted already. */
  isThere: boolean;
  flags: ReadOnlyFlags;
}

async function on(
  context: CommandContext,
  { dependencies, by }: OpenedRegistry,
  { persist }: ServiceChange,
  { service, facts, duty, isThere, flags }: Step,
): Promise<ReadOnlyReport> {
  const { ask, duties, nowMs } = dependencies;
  const untilMs = flags.for === undefined ? undefined : nowMs() + flags.for;
  const warnings: string[] = [];
  let kept: KeptDuty | undefined;
  if (!isThere) {
    const onNotice = (text: string): void => context.notice(text, flags);
    const options = { mode: "read-only", reason: "readonly on", by, drainMs: flags.timeout } as const;
    const held = await holdConfiguration(
      dependencies,
      { ...options, signal: context.signal, onNotice },
      { service, facts },
    );
    kept = await held.keep(untilMs);
    if (duty) duties.remove(duty.file);
  } else if (duty) {
    const { schemaVersion: _, id: __, until: ___, ...rest } = duty.duty;
    const until = untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() };
    kept = duties.add({ ...rest, reason: "readonly on", by, ...until });
    duties.remove(duty.file);
  } else if (untilMs !== undefined) {
    warnings.push(`${persist.file} says read-only, and nobody knows since when: it stays so, --for or not`);
  }
  const bySystemd = service.spec.startsWith("systemd:");
  const endedBy =
    kept && untilMs !== undefined ? { endedBy: await endDutyAt(kept, untilMs, { bySystemd }) } : {};
  return {
    ...{ schemaVersion: 1, command: "readonly on", dryRun: false, by: "configuration", readOnly: true },
    ...{ unchanged: isThere, byConfiguration: true },
    ...(kept ? describeDuty(kept) : {}),
    ...endedBy,
    file: { path: persist.file, readOnly: true, changed: persist.before !== persist.after },
    ...{ cutOff: 0, ...proofOf(await ask(), true, "none"), otherServers: [], warnings },
  };
}

async function off(
  context: CommandContext,
  { dependencies }: OpenedRegistry,
  { persist }: ServiceChange,
  { service, duty, isThere }: Step,
): Promise<ReadOnlyReport> {
  const { ask, duties, files } = dependencies;
  let facts: RegistryFacts;
  if (duty && !isReadOnlyBefore(duty)) {
    await endKeptDuty(duties, duty, context.signal);
    facts = await ask();
  } else {
    facts = await releaseConfiguration({ service, ask, files, signal: context.signal }, persist);
    if (duty) duties.remove(duty.file);
  }
  return {
    ...{ schemaVersion: 1, command: "readonly off", dryRun: false, by: "configuration", readOnly: false },
    ...{ unchanged: isThere, byConfiguration: false },
    file: { path: persist.file, readOnly: false, changed: persist.before !== persist.after },
    ...{ cutOff: 0, ...proofOf(facts, false, "none"), otherServers: [], warnings: [] },
  };
}

/** What an earlier change has made of the file is taken back as a whole, where nobody else has changed it since. */
function asBefore(persist: PersistedChange, duty: KeptDuty | undefined): PersistedChange {
  const undo = duty?.duty.undo;
  if (undo?.kind !== "configuration" || undo.wasReadOnly || persist.after === persist.before) return persist;
  return textDigest(persist.before) === undo.writtenSha256 ? { ...persist, after: undo.original } : persist;
}

/** Ending it would bring back a file that says read-only too. */
function isReadOnlyBefore({ duty: { undo } }: KeptDuty): boolean {
  return undo.kind === "configuration" && undo.wasReadOnly;
}

function requireRunning(facts: RegistryFacts, service: Service, isRunning: boolean | undefined): void {
  if (!isDown(facts) || isRunning === true) return;
  throw new RegistryStateError("the registry does not run", {
    hint: `start it first, by ${service.describe()}`,
  });
}

/** Another command needs it as it is. */
function refuseHeld({ duty }: KeptDuty): void {
  if (duty.holder === undefined || stateOfDuty(duty, currentMachine(), Date.now()) !== "running") return;
  throw new RegistryStateError(
    `"${duty.reason}" (process ${duty.holder.pid}) holds the registry read-only, and gives it back when it has ended`,
    { hint: "wait for its end, or stop it" },
  );
}
