import { type ConfigNode, isNothing, type MapEntry, type Origin } from "../../config/config-tree.ts";
import type { Finding } from "../../config/finding.ts";
import { parseYamlBoolean } from "../../config/yaml-scalars.ts";
import { compilePattern, InvalidPatternError } from "../../lib/re2-pattern.ts";
import { CADENCES, type CleanupPolicy, DEFAULT_CADENCE, policySpanMs } from "./policy.ts";
import { warningsOf } from "./policy-warnings.ts";
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
    const { entries } = this.#options;
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
    this.#warnOf(policy);
    return policy;
  }

  #warnOf(policy: CleanupPolicy): void {
    const { key, origin, find } = this.#options;
    const { enabled, keepN = null, olderThan = null, nameRegexDelete = null, nameRegexKeep = null } = policy;
    for (const warning of warningsOf({ enabled, keepN, olderThan, nameRegexDelete, nameRegexKeep })) {
      const { key: name, text } = warning;
      find({
        kind: "warning",
        key: name === undefined ? key : `${key}.${name}`,
        message: name === undefined ? `${key}: ${text}` : `${key}.${text}`,
        origin: (name && this.#nodeAt(name)?.origin) ?? origin,
      });
    }
  }

  #value<T>(name: PolicyKey, wanted: string, read: (text: string) => T | undefined): T | undefined {
    const node = this.#nodeAt(name);
    if (node === undefined) return undefined;
    const value = node.kind === "scalar" && node.text !== undefined ? read(node.text) : undefined;
    if (value === undefined) this.#find(name, wanted, node.origin);
    return value;
  }

  #pattern(name: PolicyKey): string | undefined {
    const node = this.#nodeAt(name);
    if (node === undefined) return undefined;
    const text = node.kind === "scalar" ? node.text : undefined;
    if (text === undefined) {
      this.#find(name, "must be a regular expression", node.origin);
      return undefined;
    }
    try {
      compilePattern(text, { anchored: "gitlab" });
    } catch (error) {
      if (!(error instanceof InvalidPatternError)) throw error;
      const { message, offset, hint } = error;
      const advice = hint === undefined ? "" : ` (${hint})`;
      this.#find(name, `is an ${message}${advice}`, this.#placeIn(node, offset));
      return undefined;
    }
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

  #find(name: PolicyKey, what: string, origin: Origin): void {
    const { find } = this.#options;
    const key = `${this.#options.key}.${name}`;
    find({ kind: "fatal", key, message: `${key} ${what}`, origin });
  }
}

function isKey(name: string): boolean {
  return KEYS.some((key) => key === name);
}
