import { type Document, isAlias, isMap, isScalar, isSeq, type Node, parseAllDocuments } from "yaml";
import { maskLines } from "../../lib/mask-lines.ts";
import { MASK, maskText, namesSecret } from "../../lib/mask-secrets.ts";
import type { Key } from "../schema/key-types.ts";
import { ROOT_KEYS } from "../schema/root-keys.ts";
import { textOf } from "./locate.ts";
import { replaceSpans, type Span } from "./splice.ts";

/** A line of YAML with the name of a key and a value behind it. */
const KEY_LINE = /^(\s*(?:-\s+)?["']?)([\w.-]+)(["']?\s*:\s+)(\S.*)$/;
/** The same in a comment, where a value need not be there. */
const COMMENTED_KEY = /^\s*#(\s*)(["']?[\w.-]+["']?\s*:)(\s+\S.*)?$/;
const COMMENT = /(?:^|\s)#/;

/**
 * Makes the text of a config.yml fit to be shown: secrets are masked, by the schema and by their names, also in comments, and
 * so are passwords in URLs. It has as many lines as before.
 */
export function maskConfigText(text: string): string {
  const documents = parseAllDocuments(text, {
    prettyErrors: false,
    uniqueKeys: false,
    schema: "failsafe",
    logLevel: "silent",
  });
  const spans: Span[] = [];
  let isBroken = false;
  for (const document of "empty" in documents ? [] : documents) {
    isBroken ||= document.errors.length > 0;
    const top = { key: ROOT_KEYS, name: "", isSecret: false };
    collect(document.contents, top, { document, text, spans, resolved: new Map() });
  }
  const lines = replaceSpans(text, spans).split("\n");
  return maskCommentedHeaders(lines)
    .map((line) => maskText(maskLine(line, isBroken)))
    .join("\n");
}

/** A value, its name, and what the schema says of it. */
interface Place {
  key: Key | undefined;
  name: string;
  isSecret: boolean;
}

/** A document whose secrets are looked for, and those that were found. */
interface Masked {
  document: Document;
  text: string;
  spans: Span[];
  /** What aliases lead to, and as what it has been looked at: one may lead to itself. */
  resolved: Map<Node, Set<Key | string>>;
}

function collect(node: unknown, place: Place, within: Masked): void {
  const { key, name, isSecret } = place;
  const isMasked = isSecret || (key === undefined ? namesSecret(name) : key.secret);
  if (isAlias(node)) {
    const target = node.resolve(within.document);
    if (target === undefined) return;
    const known = within.resolved.get(target) ?? new Set();
    within.resolved.set(target, known);
    const as = isMasked ? "secret" : (key ?? name);
    if (known.has(as)) return;
    known.add(as);
    collect(target, { ...place, isSecret: isMasked }, within);
  } else if (isMap(node)) {
    for (const { key: written, value } of node.items) {
      const child = textOf(written) ?? "";
      if (child === "<<")
        for (const source of isSeq(value) ? value.items : [value]) collect(source, place, within);
      else collect(value, { ...placeOf(child, key), isSecret: isMasked }, within);
    }
  } else if (isSeq(node)) {
    const item = {
      key: key?.type === "list" ? key.items : undefined,
      name: key ? "" : name,
      isSecret: isMasked,
    };
    for (const each of node.items) collect(each, item, within);
  } else if (isMasked && isScalar(node)) {
    const span = spanOf(node, within.text);
    if (span !== undefined && within.spans.every(({ from }) => from !== span.from)) within.spans.push(span);
  }
}

function placeOf(name: string, parent: Key | undefined): Pick<Place, "key" | "name"> {
  if (parent?.type === "section") return { key: parent.keys.get(name), name };
  if (parent?.type === "map" && parent.values !== undefined && !namesSecret(name)) {
    return { key: parent.values, name };
  }
  return { key: undefined, name };
}

function spanOf(node: Node, text: string): Span | undefined {
  const [from = 0, to = 0] = node.range ?? [];
  const written = text.slice(from, to);
  if (/^(|""|''|~|null)$/.test(written)) return undefined;
  return { from, to, text: MASK + "\n".repeat(written.split("\n").length - 1) };
}

/** @param isBroken - the text is no YAML, so that only names tell what is a secret */
function maskLine(line: string, isBroken: boolean): string {
  const comment = COMMENT.exec(line)?.index ?? line.length;
  const value = line.slice(0, comment);
  return (isBroken ? maskNamed(value) : value) + maskLines(line.slice(comment));
}

function maskNamed(line: string): string {
  const [, before = "", name = "", colon = ""] = KEY_LINE.exec(line) ?? [];
  return namesSecret(name) ? before + name + colon + MASK : line;
}

/** Masks what stands below `headers:` in a comment, whose names tell as little of them as elsewhere. */
function maskCommentedHeaders(lines: readonly string[]): string[] {
  let headersIndent: number | undefined;
  return lines.map((line) => {
    const [whole, indent = "", name = "", value] = COMMENTED_KEY.exec(line) ?? [];
    if (whole === undefined) {
      if (!line.trimStart().startsWith("#")) headersIndent = undefined;
      return headersIndent === undefined ? line : line.replace(/#(\s*-\s+)\S.*$/, `#$1${MASK}`);
    }
    if (headersIndent !== undefined && indent.length > headersIndent) {
      return value === undefined ? line : `${line.slice(0, -value.trimStart().length)}${MASK}`;
    }
    headersIndent = /^["']?headers\b/.test(name) ? indent.length : undefined;
    return headersIndent === undefined || value === undefined
      ? line
      : `${line.slice(0, -value.trimStart().length)}${MASK}`;
  });
}
