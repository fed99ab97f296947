import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from "yaml";
import type { ConfigNode, MapNode, Origin, ScalarNode } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import { combineTwice } from "./twice.ts";
import { isYamlNull } from "./yaml-scalars.ts";

/** A config.yml has hundreds of lines at most; what is beyond this is another kind of file. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** More values than any configuration has: anchors that multiply themselves end here. */
const MAX_NODES = 100_000;

/** More levels than any configuration has. */
const MAX_DEPTH = 64;

/** Where the text of a tree stands, to say so in messages. */
export type TextSource = { kind: "file"; file: string } | { kind: "environment"; variable: string };

/** What became of a YAML text. */
export interface ParsedYaml {
  /** Undefined if the text is empty or broken. */
  root: ConfigNode | undefined;
  findings: Finding[];
}

/**
 * Reads YAML into a tree that keeps where everything stands and gives no types yet. Like the Go registry it reads the
 * first document only, takes keys that stand there twice, and follows aliases and merge keys. It never throws.
 */
export function parseYaml(text: string, source: TextSource): ParsedYaml {
  const reader = new TreeReader(text, source);
  try {
    return reader.read();
  } catch (error) {
    // The YAML reader and ours recurse: only a text made for it gets here.
    const reason = error instanceof RangeError ? "it is nested too deeply" : "it cannot be read as YAML";
    return {
      root: undefined,
      findings: [{ kind: "fatal", key: "", message: reason, origin: reader.originAt(0) }],
    };
  }
}

class TreeReader {
  readonly #text: string;
  readonly #source: TextSource;
  readonly #lines = new LineCounter();
  readonly #findings: Finding[] = [];
  #nodes = 0;
  #gaveUp = false;

  constructor(text: string, source: TextSource) {
    this.#text = text;
    this.#source = source;
  }

  read(): ParsedYaml {
    if (Buffer.byteLength(this.#text) > MAX_TEXT_BYTES) {
      this.#find("fatal", "", "it is larger than 1 MiB, which no configuration is", 0);
      return { root: undefined, findings: this.#findings };
    }
    const documents = parseAllDocuments(this.#text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      uniqueKeys: false,
      schema: "failsafe",
      logLevel: "silent",
    });
    const [document, second] = "empty" in documents ? [] : documents;
    if (document === undefined) return { root: undefined, findings: this.#findings };
    for (const error of document.errors.slice(0, 1)) {
      // What follows the first error is mostly its consequence.
      const detail = this.#source.kind === "environment" ? error.code : withoutSource(error.message);
      this.#find("fatal", "", `the YAML is broken: ${detail}`, error.pos[0]);
    }
    if (document.errors.length > 0) return { root: undefined, findings: this.#findings };
    if (second !== undefined) {
      const at = second.range[0];
      this.#find("problem", "", "a second YAML document follows, which is not read", at);
    }
    const root = document.contents === null ? undefined : this.#convert(document.contents, document, "", 0);
    return { root, findings: this.#findings };
  }

  originAt(offset: number): Origin {
    if (this.#source.kind === "environment") return this.#source;
    if (this.#lines.lineStarts.length === 0) this.#lines.addNewLine(0);
    const { line, col } = this.#lines.linePos(Math.min(Math.max(offset, 0), this.#text.length));
    const position = { file: this.#source.file, line: Math.max(line, 1), column: Math.max(col, 1) };
    return { kind: "file", position };
  }

  #find(kind: Finding["kind"], key: string, message: string, offset: number): void {
    this.#findings.push({ kind, key, message, origin: this.originAt(offset) });
  }

  #convert(node: Node, document: Document, key: string, depth: number): ConfigNode {
    const offset = node.range?.[0] ?? 0;
    const origin = this.originAt(offset);
    if (this.#gaveUp || ++this.#nodes > MAX_NODES || depth > MAX_DEPTH) {
      if (!this.#gaveUp)
        this.#find("fatal", key, "it has more values or levels than any configuration has", offset);
      this.#gaveUp = true;
      return nothing(origin);
    }
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target !== undefined) return this.#convert(target, document, key, depth + 1);
      this.#find("fatal", key, "this alias has no anchor", offset);
      return nothing(origin);
    }
    if (isScalar(node)) return scalar(node.value, node.type, origin);
    if (isSeq(node)) {
      const items = node.items.map((item, index) =>
        this.#convertItem(item, document, `${key}.${index}`, depth, origin),
      );
      return { kind: "list", items, origin };
    }
    const entries: MapNode["entries"] = new Map();
    const map: MapNode = { kind: "map", entries, origin };
    const merged: MapNode[] = [];
    if (!isMap(node)) return map;
    for (const pair of node.items) {
      const keyOrigin = this.originAt(offsetOf(pair.key) ?? offset);
      const name = keyText(pair.key);
      const path = key === "" ? (name ?? "") : `${key}.${name}`;
      if (name === undefined) {
        this.#find("fatal", key, "a key must be text", offsetOf(pair.key) ?? offset);
        continue;
      }
      const value = this.#convertItem(pair.value, document, path, depth, keyOrigin);
      if (name === "<<") {
        merged.push(...(value.kind === "list" ? value.items : [value]).filter((part) => part.kind === "map"));
        continue;
      }
      const earlier = entries.get(name);
      if (earlier === undefined) {
        entries.set(name, { origin: keyOrigin, value });
        continue;
      }
      this.#find("problem", path, `${path} stands here a second time`, offsetOf(pair.key) ?? offset);
      entries.set(name, { origin: keyOrigin, value: combineTwice(path, earlier.value, value) });
    }
    for (const part of merged) {
      for (const [name, entry] of part.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return map;
  }

  #convertItem(item: unknown, document: Document, key: string, depth: number, origin: Origin): ConfigNode {
    return isYamlNode(item) ? this.#convert(item, document, key, depth + 1) : nothing(origin);
  }
}

function isYamlNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value) || isAlias(value);
}

function offsetOf(value: unknown): number | undefined {
  return isYamlNode(value) ? value.range?.[0] : undefined;
}

function keyText(value: unknown): string | undefined {
  return isScalar(value) && value.value !== null ? String(value.value) : undefined;
}

function scalar(value: unknown, type: string | null | undefined, origin: Origin): ScalarNode {
  const text = value === null || value === undefined ? "" : String(value);
  const quoted = type !== undefined && type !== null && type !== "PLAIN";
  return { kind: "scalar", text: !quoted && isYamlNull(text) ? undefined : text, quoted, origin };
}

function nothing(origin: Origin): ScalarNode {
  return { kind: "scalar", text: undefined, quoted: false, origin };
}

/** The YAML reader quotes what it stumbled over at the end of some messages, which may be a part of a secret. */
function withoutSource(message: string): string {
  const sentence = message.replace(/:? ["'`!].*$/s, "");
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
