import { countOf } from "../../../lib/count-of.ts";
import { classifyPath, type Entry } from "../../../registry/paths.ts";
import type { Difference } from "./against-report.ts";
import type { FileFacts } from "./store-side.ts";

/** So much of what a damaged link holds is shown. */
const SHOWN_CHARACTERS = 100;

/** @returns how the two sides of a file differ, if they do; the content of small files must have been read */
export function describeDifference(
  path: string,
  source: FileFacts | undefined,
  target: FileFacts | undefined,
): Difference | undefined {
  const entry = classifyPath(path);
  if (source === undefined && target === undefined) return undefined;
  if (target === undefined) {
    return { kind: "missing", path, detail: `${nameOf(entry)} is not in the target` };
  }
  if (source === undefined) {
    return { kind: "extra", path, detail: `${nameOf(entry)} is only in the target` };
  }
  const isLink = source.text !== undefined && target.text !== undefined;
  if (source.sizeBytes !== target.sizeBytes) {
    const detail = isLink
      ? describeTexts(entry, source.text, target.text)
      : `${nameOf(entry)} has ${bytes(source)} in the source and ${bytes(target)} in the target`;
    return { kind: "size", path, detail };
  }
  if (!isLink || source.text === target.text) return undefined;
  return { kind: "content", path, detail: describeTexts(entry, source.text, target.text) };
}

function describeTexts(entry: Entry, source = "", target = ""): string {
  const said = `${nameOf(entry)} says ${quoted(source)} in the source and ${quoted(target)} in the target`;
  const expected = expectedText(entry);
  if (expected === undefined) return said;
  if (source === expected) return `${said}; its path says that the source is right`;
  if (target === expected) return `${said}; its path says that the target is right`;
  return `${said}; its path says ${expected}`;
}

/** What a link must say, where its path tells. */
function expectedText(entry: Entry): string | undefined {
  const { kind } = entry;
  const isTold = kind === "layerLink" || kind === "revisionLink" || kind === "tagHistoryLink";
  return isTold ? entry.digest : undefined;
}

function quoted(text: string): string {
  if (text === "") return "nothing";
  return /^sha\d+:[0-9a-f]+$/.test(text) ? text : JSON.stringify(text.slice(0, SHOWN_CHARACTERS));
}

function bytes({ sizeBytes }: FileFacts): string {
  return countOf(sizeBytes, "byte");
}

/** @returns what a file is, for people */
export function nameOf(entry: Entry): string {
  switch (entry.kind) {
    case "blob":
      return `blob ${entry.digest}`;
    case "layerLink":
      return `the link of ${entry.repository} to blob ${entry.digest}`;
    case "revisionLink":
      return `the link of ${entry.repository} to manifest ${entry.digest}`;
    case "tagLink":
      return `tag ${entry.repository}:${entry.tag}`;
    case "tagHistoryLink":
      return `the history of ${entry.repository}:${entry.tag}, manifest ${entry.digest},`;
    default:
      return "the file";
  }
}
