import type { ConfigNode } from "../config-tree.ts";

/** Which registry knows a key: CNCF Distribution, GitLab's fork, or both. */
export type Dialect = "distribution" | "gitlab" | "both";

/**
 * What this program does with a key:
 * - `implemented`: it does what it says;
 * - `noop`: there is nothing to do for it here, which nobody can notice;
 * - `pending`: known, not implemented yet, without danger: a warning;
 * - `must-honour`: known, not implemented yet, and it restricts access or protects data: `serve` refuses it.
 */
export type Status = "implemented" | "noop" | "pending" | "must-honour";

/** A value after the schema has given it a type; durations are in milliseconds. */
export type ConfigValue = string | number | boolean | ConfigValue[] | { [key: string]: ConfigValue } | null;

/** What every kind of key has. */
export interface KeyFacts {
  /** One line for `config show`, the man page and the docs. */
  help: string;
  dialect: Dialect;
  status: Status;
  /** Never shown. */
  secret: boolean;
  required: boolean;
  /** The name by which the Go registry's environment overrides know it, where that is not the key. */
  goName?: string;
  /** Tells that a value does nothing, so that nothing needs to be said about it; see `inert.ts` for the usual rule. */
  inert?: (node: ConfigNode) => boolean;
}

/** `true`, `false` and the other words of YAML 1.1. */
export interface BooleanKey extends KeyFacts {
  type: "boolean";
  default?: boolean;
  /** `prefer` of `database.enabled`. */
  otherWords?: readonly string[];
  /** The Go registry takes any string here for false: what was switched on with quotes is off there. */
  quotedMeansFalse?: boolean;
}

/** A whole number. */
export interface IntegerKey extends KeyFacts {
  type: "integer";
  default?: number;
  min?: number;
  max?: number;
}

/** A fraction. */
export interface NumberKey extends KeyFacts {
  type: "number";
  default?: number;
}

/** A Go duration such as `1h30m`; a bare number counts nanoseconds. */
export interface DurationKey extends KeyFacts {
  type: "duration";
  defaultMs?: number;
}

/** Text, free or one of a few words. */
export interface TextKey extends KeyFacts {
  type: "text";
  default?: string;
  words?: readonly string[];
  /** Upper and lower case make no difference for the words. */
  ignoreCase?: boolean;
}

/** A sequence whose items are all of one kind. */
export interface ListKey extends KeyFacts {
  type: "list";
  items: Key;
}

/** A mapping with any keys. Without `values`, anything may stand in it. */
export interface MapKey extends KeyFacts {
  type: "map";
  values?: Key;
}

/** A mapping with known keys. */
export interface SectionKey extends KeyFacts {
  type: "section";
  keys: ReadonlyMap<string, Key>;
  /** What is in it has no defaults where it is not there itself. */
  optional: boolean;
  /** The Go registry keeps it as a map: keys of an override are created, not ignored. */
  open: boolean;
  /** The Go registry converts strings here (`"true"`, `"5242880"`); elsewhere it wants them without quotes. */
  looseStrings: boolean;
  /** A bare string stands for a mapping with that one key: `storage: inmemory`. */
  bareWord: boolean;
}

/** One key of config.yml. */
export type Key = BooleanKey | IntegerKey | NumberKey | DurationKey | TextKey | ListKey | MapKey | SectionKey;
