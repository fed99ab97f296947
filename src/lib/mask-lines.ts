import { MASK, maskText, namesSecret } from "./mask-secrets.ts";

/** A name and what parts it from its value: `NAME=`, `Name: `, and the blank behind an option. */
const NAME = /(?<![\w.-])(-{0,2}[a-z_][\w.-]{0,99})(["']?\s{0,4}[=:]\s{0,4}|\s{1,4})/gi;

/** User and password as `curl` and others take them. */
const USER_OPTION = /((?:^|\s)(?:-u|--user)[\s=]{0,4}["']?[^\s:"']{1,200}:)[^\s"']+/g;

/**
 * Makes a crontab, a unit or a script fit to be shown: the values of variables, headers and options that are named like a
 * secret are masked, and what is known for one by its form. It has as many lines as before.
 */
export function maskLines(text: string): string {
  return text
    .split("\n")
    .map((line) => maskText(maskNamed(line).replace(USER_OPTION, `$1${MASK}`)))
    .join("\n");
}

function maskNamed(line: string): string {
  let masked = "";
  let shownTo = 0;
  for (const match of line.matchAll(NAME)) {
    const [whole, name = "", separator = ""] = match;
    const isNamed = separator.trim() !== "" || name.startsWith("-");
    if (match.index < shownTo || !isNamed || !namesSecret(name)) continue;
    const from = match.index + whole.length;
    const length = valueLength(line.slice(0, match.index), line.slice(from));
    if (length === 0) continue;
    masked += line.slice(shownTo, from) + MASK;
    shownTo = from + length;
  }
  return masked + line.slice(shownTo);
}

/** A variable at a line's beginning takes all of the line, as cron reads it. */
function valueLength(before: string, value: string): number {
  if (/^[\s#]*$/.test(before)) return value.length;
  const quote = /["']$/.exec(before)?.[0];
  if (quote !== undefined) return value.split(quote, 1)[0]?.length ?? 0;
  return /^(?:"[^"]*"?|'[^']*'?|\S*)/.exec(value)?.[0].length ?? 0;
}
