/** Sorts ASCII text, such as the names of repositories and tags, by its bytes. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Sorts what has such a name by that. */
export function byName(a: { name: string }, b: { name: string }): number {
  return compareText(a.name, b.name);
}
