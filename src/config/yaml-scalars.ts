/** Go's YAML reader follows YAML 1.1 here. @see https://yaml.org/type/bool.html */
const YAML_BOOLEANS: ReadonlyMap<string, boolean> = new Map(
  [
    ["y", true],
    ["yes", true],
    ["on", true],
    ["true", true],
    ["n", false],
    ["no", false],
    ["off", false],
    ["false", false],
  ].flatMap(([word, value]) => {
    const lower = String(word);
    const capital = lower.charAt(0).toUpperCase() + lower.slice(1);
    return [lower, capital, lower.toUpperCase()].map((spelling): [string, boolean] => [
      spelling,
      value === true,
    ]);
  }),
);

/** @returns what a word without quotes means as a boolean, undefined if it is none */
export function parseYamlBoolean(text: string): boolean | undefined {
  return YAML_BOOLEANS.get(text);
}

/**
 * @returns what the drivers of the Go registry make of a string that should be a boolean, undefined if nothing
 * @see https://pkg.go.dev/strconv#ParseBool
 */
export function parseGoBoolean(text: string): boolean | undefined {
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  return undefined;
}

/**
 * Reads a number as YAML 1.1 writes it: decimal, `0x1f`, `0b11`, `0o17` or `017`, with `_` between digits.
 *
 * @returns undefined if `text` is no finite number
 */
export function parseYamlNumber(text: string): number | undefined {
  const plain = text.replaceAll("_", "");
  const [, sign = "", body = ""] = /^([-+]?)(.*)$/s.exec(plain) ?? [];
  const value = parseUnsigned(body);
  if (value === undefined || !Number.isFinite(value)) return undefined;
  return sign === "-" ? -value : value;
}

function parseUnsigned(body: string): number | undefined {
  if (/^0x[0-9a-fA-F]+$/.test(body) || /^0b[01]+$/.test(body) || /^0o[0-7]+$/.test(body)) return Number(body);
  if (/^0[0-7]+$/.test(body)) return Number.parseInt(body, 8);
  if (/^(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(body)) return Number(body);
  return undefined;
}

/** The words that YAML 1.1 reads as nothing. */
export function isYamlNull(text: string): boolean {
  return text === "" || text === "~" || text === "null" || text === "Null" || text === "NULL";
}
