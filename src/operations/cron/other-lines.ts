import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { RegistryCtlError } from "../../errors.ts";
import { maskLines } from "../../lib/mask-lines.ts";
import { errorCodeOf, fileProblemOf } from "../../lib/system-error.ts";
import { readIfAny } from "../derived/read-if-any.ts";
import { CRON_FILE } from "./cron-file.ts";
import { TIMER_NAME, UNIT_FOLDER } from "./timer-units.ts";

/** A line that collects garbage by the clock, and is not ours. */
export interface OtherLine {
  /** Absolute. */
  file: string;
  /** From 1. */
  line: number;
  /** Secrets masked. */
  text: string;
  /** It is a line of a crontab, which can be switched off by a `#`; a script or unit cannot. */
  isCrontab: boolean;
}

/** Crontabs by their path below the root folder: files, and folders of them. */
const CRONTAB_FILES = ["/etc/crontab", "/etc/anacrontab"];
const CRONTAB_FOLDERS = ["/etc/cron.d", "/var/spool/cron/crontabs", "/var/spool/cron"];
const SCRIPT_FOLDERS = ["hourly", "daily", "weekly", "monthly"].map((name) => `/etc/cron.${name}`);

/** What editors and package managers leave beside files; cron passes them over. */
const NOT_RUN = /^\.|~$|\.(?:bak|old|orig|dpkg-\w+|rpm\w+)$/;

/** The command of GitLab's packages. It is always about GitLab's own registry, and its `-m` breaks multi-platform images. */
const GITLAB = /\bgitlab-ctl\s+registry-garbage-collect\b/;
/** The Go registry's own, and this program's. */
const REGISTRY = /\b(?:(?:docker-)?registry|registry-ctl(?:\.js)?)\b[^#\n]*\bgarbage-collect\b/;

/**
 * Finds what else collects the garbage of a registry by the clock.
 *
 * @param root - stands for `/`
 * @param config - path of our configuration: a line of the Go registry or of ours that names another one is about another
 *   registry; undefined: all lines are told
 */
export function findOtherLines(root: string, config: string | undefined): OtherLine[] {
  const crontabs = [
    ...CRONTAB_FILES.map((path) => join(root, path)),
    ...CRONTAB_FOLDERS.flatMap((path) => filesIn(root, path)),
  ];
  const scripts = [
    ...SCRIPT_FOLDERS.flatMap((path) => filesIn(root, path)),
    ...filesIn(root, UNIT_FOLDER).filter((path) => path.endsWith(".service")),
  ];
  const own: readonly string[] = [join(root, CRON_FILE), join(root, `${UNIT_FOLDER}/${TIMER_NAME}.service`)];
  const linesIn = (isCrontab: boolean) => (file: string) => {
    const text = own.includes(file) ? undefined : readIfAny(file);
    return (text ?? "")
      .split("\n")
      .flatMap((line, index): OtherLine[] =>
        isCollection(line, config)
          ? [{ file, line: index + 1, text: maskLines(line.trim()), isCrontab }]
          : [],
      );
  };
  return [...crontabs.flatMap(linesIn(true)), ...scripts.flatMap(linesIn(false))];
}

/** @returns the text of a crontab with these lines switched off, and with why */
export function switchOff(text: string, lines: readonly OtherLine[]): string {
  const numbers = new Set(lines.map(({ line }) => line));
  return text
    .split("\n")
    .map((line, index) =>
      numbers.has(index + 1) ? `# replaced by registry-ctl cron install: ${line}` : line,
    )
    .join("\n");
}

function isCollection(line: string, config: string | undefined): boolean {
  if (/^\s*#/.test(line)) return false;
  if (GITLAB.test(line)) return true;
  if (!REGISTRY.test(line)) return false;
  const named: readonly string[] = line.match(/[^\s"'=]+\.ya?ml\b/g) ?? [];
  return config === undefined || named.length === 0 || named.includes(config);
}

function filesIn(root: string, folder: string): string[] {
  const path = join(root, folder);
  try {
    return readdirSync(path)
      .filter((name) => !NOT_RUN.test(name))
      .map((name) => join(path, name))
      .filter(isRun)
      .sort();
  } catch (cause) {
    if (errorCodeOf(cause) === "ENOENT" || errorCodeOf(cause) === "ENOTDIR") return [];
    throw new RegistryCtlError("ERR_READ", `${path} cannot be read: ${fileProblemOf(cause)}`, {
      cause,
      hint: "run as root",
    });
  }
}

/** Neither a folder is, nor a pipe, nor a link to nothing. */
function isRun(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
