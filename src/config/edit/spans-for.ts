import { type Document, isScalar, parseAllDocuments } from "yaml";
import { ConfigError } from "../../errors.ts";
import { ROOT_KEYS } from "../schema/root-keys.ts";
import { isYamlNull, parseYamlBoolean } from "../yaml-scalars.ts";
import type { ConfigChange } from "./edit-config.ts";
import { flowText } from "./flow-text.ts";
import { addToEmpty, addToMap, blockSection, columnOf, flowSection, stepOf } from "./insert-key.ts";
import { type ConfigPair, type Located, locate } from "./locate.ts";
import { renderScalar } from "./render-scalar.ts";
import type { Span } from "./splice.ts";

/** What to replace in a text, and whether the change is made then; else what was in its way is gone. */
export interface Spans {
  spans: Span[];
  done: boolean;
}

/**
 * Finds the bytes to replace for the next step of a change: writing out what an alias, an anchor or a merge shares, so that
 * nothing but the one place is changed, or the change itself.
 *
 * @throws {ConfigError} if there is no way
 */
export function spansFor(text: string, change: ConfigChange, file: string): Spans {
  const document = parse(text);
  const located = locate(document, change.path);
  const shared = (node: unknown): string => {
    try {
      return flowText(node, document, text);
    } catch (cause) {
      throw refusal(change, file, "a value on the way holds itself", cause);
    }
  };
  switch (located.kind) {
    case "alias":
      return { spans: [replacing(located.node.range, shared(located.node))], done: false };
    case "shared": {
      const value = shared(located.node);
      return { spans: located.users.map((user) => replacing(user.range, value)), done: false };
    }
    case "merged": {
      const entry = { name: located.name, value: shared(located.node) };
      return { spans: [addToMap(text, document, located.map, entry)], done: false };
    }
    case "nothing":
      throw refusal(change, file, "there is no such item in the list");
    default:
      return { spans: [spanOf(text, document, located, change, file)], done: true };
  }
}

function spanOf(
  text: string,
  document: Document,
  located: Extract<Located, { kind: "value" | "empty" | "missing" | "scalar" }>,
  change: ConfigChange,
  file: string,
): Span {
  const { value } = change;
  if (located.kind === "missing") {
    const [name = "", ...rest] = located.rest;
    return addToMap(text, document, located.map, { name, rest, scalar: value });
  }
  if (located.kind === "empty") return addToEmpty(text, document, located, value);
  const { node, pair, inFlow } = located;
  const from = propertiesStart(pair) ?? node.range?.[0] ?? 0;
  const to = node.range?.[1] ?? 0;
  if (located.kind === "value") {
    if (!isScalar(node)) throw refusal(change, file, "it is a section or a list, not a single value");
    if (node.type === "BLOCK_FOLDED" || node.type === "BLOCK_LITERAL") {
      throw refusal(change, file, "its value is a block of lines");
    }
    return { from, to, text: renderScalar(value, inFlow ? "flow" : "block", node) };
  }
  return sectionFor(text, document, located, change, file);
}

/** A section in the place of nothing (`~`), or of the one word that stands for a section with that key. */
function sectionFor(
  text: string,
  document: Document,
  { node, pair, inFlow, rest }: Extract<Located, { kind: "scalar" }>,
  change: ConfigChange,
  file: string,
): Span {
  const from = propertiesStart(pair) ?? node.range?.[0] ?? 0;
  const to = node.range?.[1] ?? 0;
  const word = text.slice(node.range?.[0] ?? 0, to);
  const isNothing = node.type === "PLAIN" && isYamlNull(String(node.value ?? ""));
  const path = change.path.slice(0, -rest.length);
  const key = path.length === 1 ? ROOT_KEYS.keys.get(path[0] ?? "") : undefined;
  const isName = /^[a-z]\w+$/i.test(String(node.value)) && parseYamlBoolean(String(node.value)) === undefined;
  const isBareWord = key?.type === "section" && key.bareWord && isName && !inFlow;
  if (pair === undefined || (!isNothing && !isBareWord)) {
    throw refusal(change, file, `${path.join(".")} is a single value, not a section`);
  }
  if (inFlow) return { from, to, text: flowSection(rest, change.value, "json") };
  const step = stepOf(text, document);
  const indent = " ".repeat((columnOf(text, pair) ?? 0) + step);
  const lines = [...(isNothing ? [] : [`${word}: {}`]), ...blockSection(rest, change.value, step)];
  const newline = text.includes("\r\n") ? "\r\n" : "\n";
  return {
    from: (colonOf(pair) ?? from) + 1,
    to,
    text: lines.map((line) => newline + indent + line).join(""),
  };
}

function parse(text: string): Document {
  const documents = parseAllDocuments(text, {
    keepSourceTokens: true,
    prettyErrors: false,
    uniqueKeys: false,
    schema: "failsafe",
    logLevel: "silent",
  });
  const [document] = "empty" in documents ? [] : documents;
  if (document === undefined) throw new ConfigError("the file is empty");
  return document;
}

function replacing(range: readonly number[] | null | undefined, text: string): Span {
  return { from: range?.[0] ?? 0, to: range?.[1] ?? 0, text };
}

/** Where the tag or anchor before a value begins: an anchor that nobody uses any more goes with its value. */
function propertiesStart(pair: ConfigPair | undefined): number | undefined {
  return pair?.srcToken?.sep?.find(({ type }) => type === "tag" || type === "anchor")?.offset;
}

function colonOf(pair: ConfigPair): number | undefined {
  return pair.srcToken?.sep?.find(({ type }) => type === "map-value-ind")?.offset;
}

function refusal({ path, value }: ConfigChange, file: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError(`${file}: ${path.join(".")} cannot be set: ${why}`, {
    cause,
    hint: `set it to ${JSON.stringify(value)} by hand`,
  });
}
