import type {
  BooleanKey,
  DurationKey,
  IntegerKey,
  Key,
  KeyFacts,
  ListKey,
  MapKey,
  NumberKey,
  SectionKey,
  TextKey,
} from "./key-types.ts";

type Facts = Partial<Omit<KeyFacts, "help">>;

/** What a key is unless its declaration says otherwise: both dialects, not implemented, nothing secret. */
function facts(help: string, given: Facts): KeyFacts {
  return { help, dialect: "both", status: "pending", secret: false, required: false, ...given };
}

/** Declares a boolean key. */
export function flag(help: string, more: Partial<BooleanKey> = {}): BooleanKey {
  return { ...facts(help, more), ...more, type: "boolean" };
}

/** Declares a whole number. */
export function integer(help: string, more: Partial<IntegerKey> = {}): IntegerKey {
  return { ...facts(help, more), ...more, type: "integer" };
}

/** Declares a fraction. */
export function fraction(help: string, more: Partial<NumberKey> = {}): NumberKey {
  return { ...facts(help, more), ...more, type: "number" };
}

/** Declares a duration. */
export function duration(help: string, more: Partial<DurationKey> = {}): DurationKey {
  return { ...facts(help, more), ...more, type: "duration" };
}

/** Declares a text. */
export function text(help: string, more: Partial<TextKey> = {}): TextKey {
  return { ...facts(help, more), ...more, type: "text" };
}

/** Declares a text that is one of a few words. */
export function word(help: string, words: readonly string[], more: Partial<TextKey> = {}): TextKey {
  return { ...facts(help, more), ...more, words, type: "text" };
}

/** Declares a text that is never shown. */
export function secret(help: string, more: Partial<TextKey> = {}): TextKey {
  return { ...facts(help, more), ...more, secret: true, type: "text" };
}

/** Declares a sequence of `items`; of texts unless given. */
export function list(help: string, more: Partial<ListKey> = {}): ListKey {
  return { ...facts(help, more), items: text("one of them", statusOf(more)), ...more, type: "list" };
}

/** Declares a mapping with keys of the operator's own. */
export function map(help: string, more: Partial<MapKey> = {}): MapKey {
  return { ...facts(help, more), ...more, type: "map" };
}

/**
 * Declares a section with known keys. A section is looked into unless it is given the status `pending` or
 * `must-honour`: then it is spoken of as a whole.
 */
export function section(
  help: string,
  keys: Readonly<Record<string, Key>>,
  more: Partial<Omit<SectionKey, "keys">> = {},
): SectionKey {
  return {
    ...facts(help, { status: "implemented", ...more }),
    optional: false,
    open: false,
    looseStrings: false,
    bareWord: false,
    ...more,
    keys: new Map(Object.entries(keys)),
    type: "section",
  };
}

/** HTTP headers: each name has a list of values, which are never shown, as anything may be among them. */
export function headers(help: string, more: Partial<MapKey> = {}): MapKey {
  return map(help, { values: list("the header's values", { secret: true, ...statusOf(more) }), ...more });
}

function statusOf(more: Facts): Facts {
  return more.status === undefined ? {} : { status: more.status };
}
