import { join } from "node:path";
import { maskLines } from "../../lib/mask-lines.ts";
import { readIfAny } from "../derived/read-if-any.ts";
import { CRON_FILE, parseCronFile } from "./cron-file.ts";
import { findOtherLines, type OtherLine } from "./other-lines.ts";
import { parseTimer, TIMER_FILES } from "./timer-units.ts";

/** What collects garbage by the clock on a host; with `--json` it is the document. */
export interface CronReport {
  schemaVersion: 1;
  command: "cron show";
  /** What `cron install` has made. */
  installed: InstalledSchedule[];
  /** What somebody else has. */
  others: Pick<OtherLine, "file" | "line" | "text">[];
}

/** A scheduled collection of ours. */
export interface InstalledSchedule {
  kind: "cron" | "systemd-timer";
  file: string;
  /** As cron or systemd says it. */
  schedule: string;
  /** The command line that is run. */
  line: string;
}

/** @param root - stands for `/` */
export function lookAtCron(root: string): CronReport {
  const installed: InstalledSchedule[] = [];
  const cron = parseCronFile(readIfAny(join(root, CRON_FILE)));
  if (cron) installed.push({ kind: "cron", file: join(root, CRON_FILE), ...cron });
  const [timerFile, serviceFile] = TIMER_FILES.map((path) => join(root, path));
  const timer =
    timerFile && serviceFile ? parseTimer(readIfAny(timerFile), readIfAny(serviceFile)) : undefined;
  if (timer && timerFile) {
    const schedule = timer.calendars.join("; ");
    installed.push({ kind: "systemd-timer", file: timerFile, schedule, line: timer.line });
  }
  const cronFile = cron ? [] : ownButChanged(root);
  const others = findOtherLines(root, undefined).map(({ file, line, text }) => ({ file, line, text }));
  return { schemaVersion: 1, command: "cron show", installed, others: [...cronFile, ...others] };
}

/** A file of our name that somebody else has made, as GitLab's documentation advises. */
function ownButChanged(root: string): CronReport["others"] {
  const file = join(root, CRON_FILE);
  const lines = (readIfAny(file) ?? "").split("\n");
  return lines.flatMap((text, index) =>
    /^\s*[\d*@]/.test(text) ? [{ file, line: index + 1, text: maskLines(text.trim()) }] : [],
  );
}
