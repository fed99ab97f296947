import type { CronSchedule } from "../../lib/cron-schedule.ts";
import { cronWord } from "./command-words.ts";

/** Below the root folder. GitLab's documentation uses the same name. */
export const CRON_FILE = "/etc/cron.d/registry-garbage-collect";

/** Others may read it; cron takes no file that others may write. */
export const CRON_FILE_MODE = 0o644;

const HEAD = "# Made by registry-ctl cron install; registry-ctl cron remove takes it away.";

/**
 * The content of {@link CRON_FILE}: a line for cron's own format with a user, and what cron does not bring by itself.
 *
 * @param words - the command and its arguments
 */
export function cronFile(schedule: CronSchedule, words: readonly string[]): string {
  return [
    HEAD,
    "SHELL=/bin/sh",
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "",
    `${schedule.text} root ${words.map(cronWord).join(" ")}`,
    "",
  ].join("\n");
}

/** What stands in a cron file of ours. */
export interface InstalledCron {
  schedule: string;
  /** The command, as the shell gets it from cron. */
  line: string;
}

/** @returns undefined if the file is not one that this program has made */
export function parseCronFile(text: string | undefined): InstalledCron | undefined {
  if (text === undefined || !text.startsWith(HEAD)) return undefined;
  const [, schedule, line] = /^((?:\S+ ){4}\S+) root (.+)$/m.exec(text) ?? [];
  return schedule === undefined || line === undefined
    ? undefined
    : { schedule, line: line.replaceAll("\\%", "%") };
}

/**
 * Brings a file that this program made before up to date: with the places of program and configuration as they are now, and
 * all that somebody asked for when it was installed.
 */
export function movedCronFile(
  text: string,
  { program, config }: { program: readonly string[]; config: string },
): string {
  return text
    .replace(
      /^((?:\S+ ){4}\S+ root ).*?( cron run -- )/m,
      (_, before: string, after: string) => before + program.map(cronWord).join(" ") + after,
    )
    .replace(/(?<= cron run -- .*)(?:'(?:[^']|'\\'')*'|\S+)$/m, () => cronWord(config));
}
