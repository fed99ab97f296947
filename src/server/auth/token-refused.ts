/**
 * A token is not taken. The reason is for our log: clients are only told `invalid_token`, as more would help those who
 * try to forge one. It holds nothing of a token but the names in it.
 */
export class TokenRefused extends Error {
  override readonly name: string = "TokenRefused";
}

/** The longest name out of a token that is worth a log line. */
const MAX_SHOWN_CHARS = 120;

/** @returns something out of a token as a log line may hold it: as JSON, and cut where it is long */
export function shown(value: unknown): string {
  const json = JSON.stringify(value) ?? "missing";
  return json.length > MAX_SHOWN_CHARS ? `${json.slice(0, MAX_SHOWN_CHARS)}…` : json;
}
