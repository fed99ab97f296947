import { isDeepStrictEqual } from "node:util";
import { type Document, isMap, parseAllDocuments, type YAMLMap } from "yaml";
import { ConfigError } from "../../errors.ts";
import { nodeAt } from "../config-tree.ts";
import { parseYaml } from "../parse-yaml.ts";
import { plainValue } from "../plain-value.ts";
import type { ConfigValue } from "../schema/key-types.ts";
import { NOT_DRIVERS } from "../schema/storage-keys.ts";
import { type DriverSection, mapOf, renderSection, sectionAsJson } from "../target-section.ts";
import { columnOf, endOfPair, isJsonStyle, stepOf } from "./insert-key.ts";
import { type ConfigPair, locate, textOf } from "./locate.ts";
import { replaceSpans, type Span } from "./splice.ts";

/**
 * Puts another storage driver into the text of a config.yml, in the place of the one that is there. Everything else stays,
 * byte by byte: comments, order, and the other keys of `storage` such as `delete`, `cache` and `maintenance`.
 *
 * @param file - its name, for messages
 * @throws {ConfigError} if the text is no configuration, or the driver cannot be replaced without changing something else
 */
export function replaceDriver(text: string, section: DriverSection, file = "config.yml"): string {
  const document = parseDocument(text, file);
  const edited = replaceSpans(text, [spanOf(text, document, section, file)]);
  if (!isDeepStrictEqual(plainValueOf(edited, file), wanted(text, section, file))) throw byHand(file);
  return edited;
}

function spanOf(text: string, document: Document, section: DriverSection, file: string): Span {
  const located = locate(document, ["storage"]);
  if (located.kind === "scalar") throw byHand(file);
  if (located.kind !== "value") throw byHand(file);
  const { node, pair: storage } = located;
  if (!isMap(node)) return inPlaceOfWord(text, document, section, { node, storage, file });
  const [pair, second] = node.items.filter(({ key }) => !NOT_DRIVERS.has(textOf(key) ?? ""));
  if (pair === undefined || second !== undefined) throw byHand(file);
  const from = rangeStart(pair.key);
  const to = endOfPair(pair);
  return {
    from,
    to,
    text: node.flow === true ? flow(text, node, section) : block(text, document, pair, section),
  };
}

/** `storage: filesystem` stands for that driver without keys. */
function inPlaceOfWord(
  text: string,
  document: Document,
  section: DriverSection,
  {
    node,
    storage,
    file,
  }: { node: { range?: readonly number[] | null }; storage: ConfigPair | undefined; file: string },
): Span {
  const column = storage && columnOf(text, storage);
  const [from, to] = node.range ?? [];
  if (column === undefined || from === undefined || to === undefined) throw byHand(file);
  const indent = " ".repeat(column + stepOf(text, document));
  const newline = newlineOf(text);
  return { from, to, text: newline + indent + lines(text, document, section, indent).join(newline) };
}

function flow(text: string, map: YAMLMap, section: DriverSection): string {
  const name = isJsonStyle(text, map) ? JSON.stringify(section.driver) : section.driver;
  return `${name}: ${sectionAsJson(section)}`;
}

function block(text: string, document: Document, pair: ConfigPair, section: DriverSection): string {
  const indent = " ".repeat(columnOf(text, pair) ?? 0);
  return lines(text, document, section, indent).join(newlineOf(text));
}

/** The first one without indentation: it stands where the old one did. */
function lines(text: string, document: Document, section: DriverSection, indent: string): string[] {
  const step = " ".repeat(stepOf(text, document));
  const [, ...rendered] = renderSection(section).trimEnd().split("\n");
  return rendered.map((line, index) =>
    index === 0 ? line.trimStart() : indent + step + line.slice(RENDERED_INDENT),
  );
}

/** Keys of a section as {@link renderSection} writes it. */
const RENDERED_INDENT = 4;

function newlineOf(text: string): string {
  return text.includes("\r\n") ? "\r\n" : "\n";
}

function wanted(text: string, { driver, keys }: DriverSection, file: string): ConfigValue {
  const root = plainValueOf(text, file);
  const storage = isSection(root) ? root["storage"] : undefined;
  const rest = isSection(storage)
    ? Object.fromEntries(Object.entries(storage).filter(([name]) => NOT_DRIVERS.has(name)))
    : {};
  const own = plainValue(mapOf(keys, { kind: "default" }));
  return { ...(isSection(root) ? root : {}), storage: { ...rest, [driver]: own } };
}

function plainValueOf(text: string, file: string): ConfigValue {
  const { root, findings } = parseYaml(text, { kind: "file", file });
  if (root === undefined || findings.some(({ kind }) => kind === "fatal")) throw byHand(file);
  return plainValue(root);
}

/** @returns the driver's section of a configuration, as it is written; undefined if there is not exactly one */
export function driverSectionOf(text: string, file: string): DriverSection | undefined {
  const { root } = parseYaml(text, { kind: "file", file });
  const storage = nodeAt(root, ["storage"]);
  if (storage?.kind === "scalar" && storage.text !== undefined)
    return { driver: storage.text, keys: new Map() };
  if (storage?.kind !== "map") return undefined;
  const [driver, second] = [...storage.entries.keys()].filter((name) => !NOT_DRIVERS.has(name));
  if (driver === undefined || second !== undefined) return undefined;
  const node = storage.entries.get(driver)?.value;
  const entries = node?.kind === "map" ? [...node.entries] : [];
  return { driver, keys: new Map(entries.map(([name, { value }]) => [name, value])) };
}

function parseDocument(text: string, file: string): Document {
  const documents = parseAllDocuments(text, {
    ...{ keepSourceTokens: true, prettyErrors: false, uniqueKeys: false },
    ...{ schema: "failsafe", logLevel: "silent" },
  });
  const [document] = "empty" in documents ? [] : documents;
  if (document === undefined || document.errors.length > 0) throw byHand(file);
  return document;
}

function rangeStart(node: unknown): number {
  const range = typeof node === "object" && node !== null && "range" in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === "number" ? range[0] : 0;
}

function isSection(value: ConfigValue | undefined): value is { [name: string]: ConfigValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function byHand(file: string): ConfigError {
  return new ConfigError(`${file}: the storage driver cannot be replaced without changing something else`, {
    hint: "write storage: with one driver below it, without anchors or merges",
  });
}
