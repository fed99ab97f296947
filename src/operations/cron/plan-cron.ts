import { join } from "node:path";
import { RegistryStateError } from "../../errors.ts";
import type { CronSchedule } from "../../lib/cron-schedule.ts";
import { changesOf, isOfOthers, type PlannedFile } from "../derived/planned-file.ts";
import { readIfAny } from "../derived/read-if-any.ts";
import { type CollectionWords, scheduledWords } from "./command-words.ts";
import { CRON_FILE, CRON_FILE_MODE, cronFile, parseCronFile } from "./cron-file.ts";
import { findOtherLines, type OtherLine, switchOff } from "./other-lines.ts";
import { parseTimer, TIMER_FILES, timerService, timerUnit } from "./timer-units.ts";

/** What is to be installed, and where. */
export interface InstallRequest extends CollectionWords {
  /** Stands for `/`. */
  root: string;
  schedule: CronSchedule;
  /** A timer of systemd instead of a cron file. */
  timer: boolean;
}

/** What an installation comes to. */
export interface CronPlan {
  /** Files that change; empty: all is as it should be. */
  changes: PlannedFile[];
  /** Lines that are switched off. */
  others: OtherLine[];
}

/**
 * Plans the scheduled collection: the one kind is written, the other kind of ours goes, and lines that collect the same
 * garbage are switched off.
 *
 * @throws {RegistryStateError} if a script or a unit collects it, which no `#` switches off
 */
export function planInstall({ root, schedule, timer, ...words }: InstallRequest): CronPlan {
  const command = scheduledWords(words);
  const content = new Map<string, string>(
    timer
      ? [
          [TIMER_FILES[0], timerUnit(schedule)],
          [TIMER_FILES[1], timerService(command)],
        ]
      : [[CRON_FILE, cronFile(schedule, command)]],
  );
  const others = findOtherLines(root, words.config);
  refuseScripts(others);
  const own = ownFiles(root).map((file) => ({ ...file, after: content.get(file.name) }));
  return { changes: changesOf([...own, ...switchedOff(others)]).map(withoutName), others };
}

/** Plans to take away what an installation has made, and nothing else. */
export function planRemove(root: string): PlannedFile[] {
  const files = ownFiles(root).map((file) => ({ ...file, after: undefined }));
  const cron = files.filter(({ name, before }) => name === CRON_FILE && parseCronFile(before) !== undefined);
  const units = files.filter(({ name }) => name !== CRON_FILE);
  const isOurs = parseTimer(units[0]?.before, units[1]?.before) !== undefined;
  return changesOf([...cron, ...(isOurs ? units : [])]).map(withoutName);
}

/** Whether a plan has to do with systemd, which must be told of new and of gone units. */
export function concernsTimer(changes: readonly PlannedFile[]): "installed" | "removed" | undefined {
  const timer = changes.find(({ path }) => path.endsWith(TIMER_FILES[0]));
  const service = changes.find(({ path }) => path.endsWith(TIMER_FILES[1]));
  const changed = timer ?? service;
  if (changed === undefined) return undefined;
  return changed.after === undefined ? "removed" : "installed";
}

function ownFiles(root: string): (PlannedFile & { name: string })[] {
  return [CRON_FILE, ...TIMER_FILES].map((name) => {
    const path = join(root, name);
    const before = readIfAny(path);
    return { name, path, before, after: undefined, mode: CRON_FILE_MODE, keepsBefore: isOfOthers(before) };
  });
}

function withoutName({ name: _, ...file }: PlannedFile & { name?: string }): PlannedFile {
  return file;
}

function switchedOff(others: readonly OtherLine[]): PlannedFile[] {
  return [...new Set(others.map(({ file }) => file))].map((path) => {
    const before = readIfAny(path) ?? "";
    return {
      path,
      before,
      after: switchOff(
        before,
        others.filter(({ file }) => file === path),
      ),
    };
  });
}

function refuseScripts(others: readonly OtherLine[]): void {
  const script = others.find(({ isCrontab }) => !isCrontab);
  if (script === undefined) return;
  throw new RegistryStateError(`${script.file}:${script.line} collects garbage already: ${script.text}`, {
    hint: "take it away first: two collections must not stand side by side",
  });
}
