import { UsageError } from "../../errors.ts";

/** What a scheduled collection is told. */
export interface CollectionWords {
  /** Absolute path of node, and of the program's script. */
  program: readonly string[];
  /** Absolute path of config.yml. */
  config: string;
  deleteUntagged: boolean;
  /** More options of `garbage-collect`, each value a word of its own. */
  options: readonly string[];
}

/** Keeps manifests that lost their tag lately; with `-m` only. */
const UNTAGGED_FOR = ["--untagged-for", "7d"];
/** A store that was emptied, or a mistake, must not be made final by a clock. */
const MAX_DELETE = ["--max-delete", "30%"];

/**
 * The words of the command that is run by the clock: it prints nothing unless it fails, and leaves a second run be.
 * What `options` says goes above what would be said anyway.
 */
export function scheduledWords({ program, config, deleteUntagged, options }: CollectionWords): string[] {
  const usual = [...(deleteUntagged ? UNTAGGED_FOR : []), ...MAX_DELETE];
  const words: string[] = [];
  for (let index = 0; index < usual.length; index += 2) {
    const [name = "", value = ""] = usual.slice(index, index + 2);
    if (!options.includes(name)) words.push(name, value);
  }
  return [
    ...program,
    ...["cron", "run", "--", "garbage-collect"],
    ...(deleteUntagged ? ["-m"] : []),
    ...words,
    ...["--quiet", "--skip-if-locked"],
    ...options,
    config,
  ];
}

/**
 * @returns a word for a file in which a line end would begin another command or setting
 * @throws {UsageError} if it has one, or another control character
 */
export function oneLine(word: string): string {
  if (!/\p{Cc}/u.test(word)) return word;
  throw new UsageError(`${JSON.stringify(word)} has a control character, and cannot be written into a line`, {
    hint: "give the file or folder another name",
  });
}

/** @returns a word as `/bin/sh` reads it, with what cron would take for a line end escaped */
export function cronWord(word: string): string {
  const quoted = /^[\w./:@%+=,-]+$/.test(oneLine(word)) ? word : `'${word.replaceAll("'", "'\\''")}'`;
  return quoted.replaceAll("%", "\\%");
}

/** @returns a word as systemd reads it. @see https://www.freedesktop.org/software/systemd/man/latest/systemd.service.html */
export function unitWord(word: string): string {
  const plain = oneLine(word).replaceAll("%", "%%").replaceAll("$", "$$$$");
  return /^[\w./:@%+=,$-]+$/.test(plain) ? plain : `"${plain.replaceAll(/["\\]/g, "\\$&")}"`;
}
