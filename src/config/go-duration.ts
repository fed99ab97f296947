const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;

/** The Go registry keeps durations as nanoseconds in 64 bits. */
const MAX_MS = 2 ** 63 / 1e6;

/**
 * Reads a duration as Go writes it: `1h30m`, `500ms`, `-1.5s`, `0`.
 *
 * @returns milliseconds, possibly a fraction; undefined if `text` is no duration or exceeds what Go can hold
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseGoDuration(text: string): number | undefined {
  const negative = text.startsWith("-");
  const unsigned = negative || text.startsWith("+") ? text.slice(1) : text;
  if (unsigned === "0") return 0;
  if (unsigned === "") return undefined;
  let totalMs = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < unsigned.length) {
    const part = PART.exec(unsigned);
    const unitMs = UNIT_MS[part?.[2] ?? ""];
    if (part === null || unitMs === undefined) return undefined;
    totalMs += Number(part[1]) * unitMs;
  }
  if (totalMs >= MAX_MS) return undefined;
  return negative ? -totalMs : totalMs;
}

/** @returns milliseconds as Go writes a duration: `168h0m0s`, `500ms`, `0s` */
export function formatGoDuration(milliseconds: number): string {
  if (milliseconds === 0) return "0s";
  const sign = milliseconds < 0 ? "-" : "";
  const size = Math.abs(milliseconds);
  if (size < 1e-3) return `${sign}${Math.round(size * 1e6)}ns`;
  if (size < 1) return `${sign}${trim(size * 1e3)}µs`;
  if (size < 1000) return `${sign}${trim(size)}ms`;
  const hours = Math.floor(size / 3_600_000);
  const minutes = Math.floor((size % 3_600_000) / 60_000);
  const seconds = trim((size % 60_000) / 1000);
  if (hours > 0) return `${sign}${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m${seconds}s` : `${sign}${seconds}s`;
}

function trim(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, "");
}
