/** @returns text that may stand in an element or an attribute; characters that XML cannot have stay as they are */
export function escapeXml(text: string): string {
  return /[<>&"'\r\n\t]/.test(text) ? text.replace(/[<>&"'\r\n\t]/g, escapeCharacter) : text;
}

function escapeCharacter(character: string): string {
  return ESCAPES[character] ?? `&#${character.charCodeAt(0)};`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&quot;",
  "'": "&apos;",
};
