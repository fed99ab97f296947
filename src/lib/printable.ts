/** @returns the text without what could command a terminal, such as a file name may hold; line ends stay */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n]/gu, "?");
}
