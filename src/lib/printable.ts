/** Control characters, and those that turn the direction of what follows. */
const COMMANDS = /[^\P{Cc}\n]|[\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** @returns the text without what could command a terminal, such as a file name may hold; line ends stay */
export function printable(text: string): string {
  return text.replace(COMMANDS, "?");
}

/** @returns the same as one line, so that a name cannot pass for a line of ours */
export function printableLine(text: string): string {
  return printable(text).replaceAll("\n", "?");
}

/** @returns the escape by which JSON names a character of one UTF-16 unit */
export function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** @returns JSON of one line in which nothing commands a terminal either: what JSON itself lets through is escaped, and means the same */
export function printableJson(value: unknown): string {
  return JSON.stringify(value).replace(COMMANDS, unicodeEscape);
}
