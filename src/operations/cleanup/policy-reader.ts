import { type ConfigNode, isNothing, type MapEntry, type Origin } from "../../config/config-tree.ts";
import type { Finding, FindingKind } from "../../config/finding.ts";
import { parseYamlBoolean } from "../../config/yaml-scalars.ts";
import { compilePattern, hasOpenAlternation, InvalidPatternError } from "../../lib/re2-pattern.ts";
import { CADENCES, type CleanupPolicy, DEFAULT_CADENCE, policySpanMs } from "./policy.ts";
import { columnInScalar } from "./scalar-column.ts";
import { unknownKey } from "./unknown-key.ts";

const KEYS = ["enabled", "cadence", "keep_n", "older_than", "name_regex_delete", "name_regex_keep"] as const;

type PolicyKey = (typeof KEYS)[number];

/** What a {@link PolicyReader} reads, and where it says what is wrong. */
export interface PolicyReaderOptions {
  entries: ReadonlyMap<string, MapEntry>;
  /** Dotted path of the policy. */
  key: string;
  origin: Origin;
  /** @returns the text of a line of the file, which count from 1 */
  lineAt: (line: number) => string;
  find: (finding: Finding) => void;
}

/** Reads the keys of one policy in a file. Says all that is wrong or may surprise; never throws. */
export class PolicyReader {
  readonly #options: PolicyReaderOptions;

  constructor(options: PolicyReaderOptions) {
    this.#options = options;
  }

  read(): CleanupPolicy {
    const { entries, origin } = this.#options;
    for (const [name, entry] of entries) if (!isKey(name)) this.#tellUnknown(name, entry.origin);
    const policy: CleanupPolicy = {
      enabled: this.#value("enabled", "must be true or false", parseYamlBoolean) ?? true,
      cadence:
        this.#value("cadence", `must be one of ${CADENCES.join(", ")}`, (text) =>
          CADENCES.find((cadence) => cadence === text),
        ) ?? DEFAULT_CADENCE,
      keepN: this.#value("keep_n", "must be a whole number, 0 or more", (text) =>
        /^\d{1,9}$/.test(text) ? Number(text) : undefined,
      ),
      olderThan: this.#value(
        "older_than",
        "must be a time such as 7d, 14d, 30d, 90d, 12h or 1month",
        (text) => (policySpanMs(text) === undefined ? undefined : text),
      ),
      nameRegexDelete: this.#pattern("name_regex_delete"),
      nameRegexKeep: this.#pattern("name_regex_keep"),
    };
    if (policy.enabled && !policy.nameRegexDelete) {
      this.#find(
        "warning",
        "name_regex_delete",
        "matches nothing without name_regex_delete: no tag is deleted",
        origin,
      );
    } else if (policy.enabled && !policy.keepN && policy.olderThan === undefined) {
      this.#find(
        "warning",
        "keep_n",
        "has neither keep_n nor older_than: whatever its patterns leave is deleted",
        origin,
      );
    }
    return policy;
  }

  #value<T>(name: PolicyKey, wanted: string, read: (text: string) => T | undefined): T | undefined {
    const node = this.#nodeAt(name);
    if (node === undefined) return undefined;
    const value = node.kind === "scalar" && node.text !== undefined ? read(node.text) : undefined;
    if (value === undefined) this.#find("fatal", name, wanted, node.origin);
    return value;
  }

  #pattern(name: PolicyKey): string | undefined {
    const node = this.#nodeAt(name);
    if (node === undefined) return undefined;
    const text = node.kind === "scalar" ? node.text : undefined;
    if (text === undefined) {
      this.#find("fatal", name, "must be a regular expression", node.origin);
      return undefined;
    }
    try {
      compilePattern(text, { anchored: "gitlab" });
    } catch (error) {
      if (!(error instanceof InvalidPatternError)) throw error;
      const { message, offset, hint } = error;
      const advice = hint === undefined ? "" : ` (${hint})`;
      this.#find("fatal", name, `is an ${message}${advice}`, this.#placeIn(node, offset));
      return undefined;
    }
    if (hasOpenAlternation(text)) this.#find("warning", name, openAlternation(text), node.origin);
    return text;
  }

  #placeIn(node: ConfigNode, offset: number): Origin {
    const { origin } = node;
    if (origin.kind !== "file") return origin;
    const { line, column } = origin.position;
    const exact = columnInScalar(this.#options.lineAt(line), column, offset);
    return { kind: "file", position: { ...origin.position, column: exact } };
  }

  #nodeAt(name: PolicyKey): ConfigNode | undefined {
    const node = this.#options.entries.get(name)?.value;
    return isNothing(node) ? undefined : node;
  }

  #tellUnknown(name: string, origin: Origin): void {
    const { key, find } = this.#options;
    find({ kind: "fatal", key: `${key}.${name}`, message: unknownKey(name, KEYS, `${key}.`), origin });
  }

  #find(kind: FindingKind, name: PolicyKey, what: string, origin: Origin): void {
    const { key, find } = this.#options;
    const subject = kind === "warning" && origin === this.#options.origin ? key : `${key}.${name}`;
    find({ kind, key: `${key}.${name}`, message: `${subject} ${what}`, origin });
  }
}

/** @returns what may surprise about a pattern with a `|` outside every group, without its subject */
export function openAlternation(pattern: string): string {
  return `${JSON.stringify(pattern)} has | outside a group: as in GitLab, only the first branch is bound to the beginning of a name and only the last to its end, so that others match as well; to match whole names write (?:${pattern})`;
}

function isKey(name: string): boolean {
  return KEYS.some((key) => key === name);
}
