import type { SectionValues } from "./section-values.ts";

/** What the registries' SDKs can be asked to log; GitLab's registry writes `log` before each and takes several. */
const WORDS: ReadonlySet<string> = new Set([
  "off",
  "debug",
  "debugwithsigning",
  "debugwithhttpbody",
  "debugwithrequestretries",
  "debugwithrequesterrors",
  "debugwitheventstreambody",
  "signing",
  "retries",
  "request",
  "requestwithbody",
  "response",
  "responsewithbody",
  "deprecatedusage",
  "requesteventmessage",
  "responseeventmessage",
]);

/** YAML 1.1 reads `off` so. */
const FALSE: ReadonlySet<string> = new Set(["false", "no", "n", ""]);

/**
 * Reads `loglevel` of S3 in the words of both registries, which take everything that they do not know for `off`.
 *
 * @returns known words in lower case without `log`, with commas between; `off` where nothing is to be logged
 */
export function s3LogLevel(values: SectionValues): string {
  const words = values
    .text("loglevel")
    .split(",")
    .map((word) => word.trim().toLowerCase())
    .map((word) => (FALSE.has(word) ? "off" : word.replace(/^log/, "")));
  const unknown = words.find((word) => !WORDS.has(word));
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 40));
    values.say("warning", "loglevel", `has ${shown}, which no registry knows: nothing is logged`);
  }
  return unknown !== undefined || words.includes("off") ? "off" : words.join(",");
}
