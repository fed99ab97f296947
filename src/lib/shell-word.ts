/** @returns a text as one word of a shell's command line */
export function shellWord(text: string): string {
  return /^[\w./:@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** @returns words as a shell's command line */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}
