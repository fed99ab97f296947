import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { MigrationSwitch } from "../../state/migration-record.ts";
import type { Held } from "../hold/hold-registry.ts";
import type { ConfigFiles } from "../readonly/config-files.ts";
import { saysReadOnly } from "../readonly/read-only-key.ts";
import type { MigrationJournal } from "./migration-journal.ts";
import type { SwitchReport } from "./migration-report.ts";
import type { SwitchedTexts } from "./switch-texts.ts";

/** What is known when the registry is about to go from one store to the other. */
export type SwitchStart = Pick<MigrationSwitch, "leftAt" | "takenAt" | "wasReadOnly">;

/** What changes a registry from one store to another. */
export interface SwitchHands {
  files: ConfigFiles;
  /** Absolute path of the configuration. */
  file: string;
  /**
   * Has the registry use what the file says now, and waits until it serves. A registry that does not run stays so.
   *
   * @returns whether it runs
   * @throws {RegistryCtlError} if it does not serve with it
   */
  take: () => Promise<boolean>;
  /** Pulls something, to see that the store works. @returns what was answered, for people */
  probePull: () => Promise<string[]>;
  /** Begins an upload and cancels it. @returns what was answered, for people */
  probePush: () => Promise<string>;
  /** Ends everything that keeps the registry read-only for this move. */
  endDuties: () => Promise<void>;
  /** Shows the change of the file. */
  show: (before: string, after: string) => void;
  nowMs: () => number;
  onNotice: (text: string) => void;
}

/** One change of the store. */
export interface SwitchPlan {
  to: "target" | "source";
  /** What the file holds now: it may say read-only for this switch. */
  before: string;
  texts: SwitchedTexts;
  keptConfig: string;
  start: SwitchStart;
}

/**
 * Has a registry that is held read-only use another store: the configuration is changed, the registry takes it while it is still read-only, is tried,
 * and takes writes again. When that fails before it has been tried, all is as before, and writable again.
 *
 * @throws {RegistryCtlError} what went wrong
 */
export async function switchStore(
  hands: SwitchHands,
  journal: MigrationJournal,
  held: Held,
  plan: SwitchPlan,
): Promise<SwitchReport> {
  const { files, file, nowMs, onNotice } = hands;
  const { to, before, texts, keptConfig } = plan;
  hands.show(before, texts.after);
  await beginSwitch(journal, held, { ...plan, startedAt: new Date(nowMs()).toISOString() });
  let probes: string[];
  let runs: boolean;
  try {
    onNotice(`changing ${file}`);
    await files.replace(file, texts.tried, before);
    runs = await hands.take();
    probes = runs ? await hands.probePull() : ["the registry does not run: nothing was asked"];
  } catch (error) {
    throw await goBack(hands, journal, plan, error);
  }
  return endSwitch(hands, journal, { to, tried: texts.tried, after: texts.after, keptConfig, probes, runs });
}

/**
 * Remembers that the registry is about to use another store. From here on it stays read-only when this process dies: it may be at either store then.
 *
 * @throws {RegistryCtlError} if that cannot be remembered; the registry is as before then, and writable
 */
export async function beginSwitch(
  journal: MigrationJournal,
  held: Held,
  {
    to,
    keptConfig,
    start,
    startedAt,
  }: Pick<SwitchPlan, "to" | "keptConfig" | "start"> & { startedAt: string },
): Promise<void> {
  try {
    journal.update({
      phase: to === "target" ? "switching" : "rolling-back",
      switching: { ...start, to, startedAt },
      ...(to === "target" ? { keptConfig } : {}),
    });
    await held.keepOn?.();
  } catch (error) {
    await held.release();
    try {
      journal.update({ phase: whereItWas(to) });
      journal.forget("switching");
    } catch {
      // That is what has gone wrong. The next run finds that the configuration names the old store, and begins anew.
    }
    throw error;
  }
}

/** What is left to do when the registry has been seen to work with the other store. */
export interface SwitchEnd {
  to: "target" | "source";
  /** What the file holds now. */
  tried: string;
  after: string;
  keptConfig: string;
  probes: string[];
  runs: boolean;
}

/** Has a registry take writes that was seen to work with the other store. */
export async function endSwitch(
  hands: SwitchHands,
  journal: MigrationJournal,
  { to, tried, after, keptConfig, probes, runs }: SwitchEnd,
): Promise<SwitchReport> {
  const { files, file, nowMs, onNotice } = hands;
  const at = new Date(nowMs()).toISOString();
  journal.update(to === "target" ? { phase: "switched", switchedAt: journal.record.switchedAt ?? at } : {});
  onNotice("the registry works with the other store; it takes writes again");
  if (after !== tried) {
    await files.replace(file, after, tried);
    if (runs) await hands.take();
  }
  await hands.endDuties();
  journal.forget("switching");
  journal.update({ phase: to === "target" ? "finished" : "rolled-back" });
  const told = [...probes];
  if (runs && saysReadOnly(after, file))
    told.push("the registry is read-only, as it was before: no push was tried");
  else if (runs) {
    told.push(
      await hands.probePush().catch((error: unknown) => `a push was tried and failed: ${messageOf(error)}`),
    );
  }
  return { config: file, keptConfig, at, probes: told };
}

async function goBack(
  hands: SwitchHands,
  journal: MigrationJournal,
  { to, before, texts }: SwitchPlan,
  cause: unknown,
): Promise<RegistryCtlError> {
  const { files, file } = hands;
  const why = messageOf(cause);
  const hint = cause instanceof RegistryCtlError ? cause.hint : undefined;
  try {
    if (files.read(file) === texts.tried) await files.replace(file, before, texts.tried);
    await hands.take();
    await hands.endDuties();
  } catch (failure) {
    return new RegistryCtlError(
      "ERR_SWITCH",
      `the registry could not be changed to the other store: ${why}; and it could not be brought back: ${messageOf(failure)}`,
      { cause, hint: "see registry-ctl status; put that right, then run the same command again" },
    );
  }
  try {
    journal.forget("switching");
    journal.update({ phase: whereItWas(to) });
  } catch (failure) {
    // The next run finds that the configuration names the old store, and begins anew.
    hands.onNotice(messageOf(failure));
  }
  return new RegistryCtlError(
    "ERR_SWITCH",
    `the registry could not be changed to the other store: ${why}; it uses the old one again, and takes writes`,
    { cause, hint },
  );
}

/** @returns how far a move is whose change of the registry was taken back */
export function whereItWas(to: "target" | "source"): "copied" | "finished" {
  return to === "target" ? "copied" : "finished";
}
