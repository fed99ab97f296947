/**
 * @param requests - how many there were, by kind
 * @returns all of them in one line for people, the most frequent kind first
 */
export function renderRequests(requests: Readonly<Record<string, number>>): string {
  const kinds = Object.entries(requests).sort(([, a], [, b]) => b - a);
  const total = kinds.reduce((sum, [, number]) => sum + number, 0);
  const shown = kinds.map(([kind, number]) => `${number} ${kind}`).join(", ");
  return `requests: ${total}${shown === "" ? "" : ` (${shown})`}`;
}
