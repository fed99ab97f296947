import type { CronSchedule } from "../../lib/cron-schedule.ts";
import { unitWord } from "./command-words.ts";

/** Name of both units, without ending. */
export const TIMER_NAME = "registry-garbage-collect";
/** Below the root folder: where an administrator's units are. */
export const UNIT_FOLDER = "/etc/systemd/system";

/** Paths below the root folder of the units, the timer first. */
export const TIMER_FILES = [
  `${UNIT_FOLDER}/${TIMER_NAME}.timer`,
  `${UNIT_FOLDER}/${TIMER_NAME}.service`,
] as const;

/** The first line of the timer, by which it is known again. */
const HEAD = "# Made by registry-ctl cron install --systemd-timer; registry-ctl cron remove takes it away.";

/** @returns the content of the timer: a run that was missed because the machine was off comes when it is on again */
export function timerUnit({ text, calendars }: CronSchedule): string {
  return [
    HEAD,
    "[Unit]",
    `Description=Collect garbage of the container registry (${text})`,
    "Documentation=man:registry-ctl-cron(1)",
    "",
    "[Timer]",
    ...calendars.map((calendar) => `OnCalendar=${calendar}`),
    "Persistent=true",
    "AccuracySec=1min",
    "",
    "[Install]",
    "WantedBy=timers.target",
    "",
  ].join("\n");
}

/** @returns the content of the service that the timer starts */
export function timerService(words: readonly string[]): string {
  return [
    HEAD,
    "[Unit]",
    "Description=Collect garbage of the container registry",
    "Documentation=man:registry-ctl-garbage-collect(1)",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${words.map(unitWord).join(" ")}`,
    "Nice=10",
    "IOSchedulingClass=best-effort",
    "IOSchedulingPriority=7",
    "",
  ].join("\n");
}

/** @returns the lines `OnCalendar` and `ExecStart` of installed units; undefined if they are not ours */
export function parseTimer(
  timer: string | undefined,
  service: string | undefined,
): { calendars: string[]; line: string } | undefined {
  if (timer === undefined || !timer.startsWith(HEAD)) return undefined;
  const calendars = [...timer.matchAll(/^OnCalendar=(.*)$/gm)].map(([, calendar = ""]) => calendar);
  return { calendars, line: /^ExecStart=(.*)$/m.exec(service ?? "")?.[1] ?? "" };
}
