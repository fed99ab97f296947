import { join } from "node:path";
import { parseCronSchedule } from "../../lib/cron-schedule.ts";
import { scheduledWords } from "../cron/command-words.ts";
import { CRON_FILE, CRON_FILE_MODE, cronFile, movedCronFile, parseCronFile } from "../cron/cron-file.ts";
import { findOtherLines } from "../cron/other-lines.ts";
import { isOfOthers, type PlannedFile } from "../derived/planned-file.ts";
import { readIfAny } from "../derived/read-if-any.ts";
import { LOGROTATE_FILE, logrotateFile, type RotatedLog } from "./logrotate-file.ts";
import { NGINX_FILE, type NginxSite, nginxSite } from "./nginx-site.ts";
import { type ServeUnit, systemdUnit, UNIT_FILE } from "./systemd-unit.ts";

/** What derives from a configuration and can be written. */
export const DERIVED_KINDS = ["nginx", "systemd", "cron", "logrotate"] as const;

/** One of {@link DERIVED_KINDS}. */
export type DerivedKind = (typeof DERIVED_KINDS)[number];

/** What the files are made of. */
export interface DerivedFacts {
  /** Stands for `/`. */
  root: string;
  site: NginxSite;
  unit: ServeUnit;
  log: RotatedLog;
  /** Of the log's owner, by the system's list of users. */
  names: { user: string | undefined; group: string | undefined };
}

/** A file that derives from a configuration. */
export interface DerivedFile extends PlannedFile {
  kind: DerivedKind;
}

/** Sundays at 04:05, as GitLab's documentation has it. */
const USUAL_SCHEDULE = "5 4 * * 0";

/**
 * Plans the files that somebody has asked for, as they are and as they should be. A cron file that `cron install` has made keeps
 * its schedule and its options; what somebody else has written stays beside the file.
 */
export function planDerivedFiles(kinds: readonly DerivedKind[], facts: DerivedFacts): DerivedFile[] {
  return DERIVED_KINDS.filter((kind) => kinds.includes(kind)).map((kind) => {
    const path = join(facts.root, PATHS[kind]);
    const before = readIfAny(path);
    const after = CONTENT[kind](facts, before);
    return { kind, path, before, after, mode: CRON_FILE_MODE, keepsBefore: isOfOthers(before) };
  });
}

/** @returns what else collects the garbage of this registry by the clock, beside a cron file that is to be written */
export function linesBesideCron(kinds: readonly DerivedKind[], { root, unit }: DerivedFacts): string[] {
  if (!kinds.includes("cron")) return [];
  return findOtherLines(root, unit.config).map(({ file, line, text }) => `${file}:${line}: ${text}`);
}

const PATHS: Readonly<Record<DerivedKind, string>> = {
  nginx: NGINX_FILE,
  systemd: UNIT_FILE,
  cron: CRON_FILE,
  logrotate: LOGROTATE_FILE,
};

type Content = (facts: DerivedFacts, before: string | undefined) => string;

const CONTENT: Readonly<Record<DerivedKind, Content>> = {
  nginx: ({ site }) => nginxSite(site),
  systemd: ({ unit }) => systemdUnit(unit),
  cron: ({ unit: { program, config, stateDir } }, before) => {
    if (before !== undefined && parseCronFile(before)) return movedCronFile(before, { program, config });
    const options = stateDir === undefined ? [] : ["--state-dir", stateDir];
    const words = scheduledWords({ program, config, deleteUntagged: false, options });
    return cronFile(parseCronSchedule(USUAL_SCHEDULE), words);
  },
  logrotate: ({ log, names }) => logrotateFile(log, names),
};
