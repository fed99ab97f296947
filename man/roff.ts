/** Escapes text for roff: backslashes, hyphens that must stay copyable, and control characters at a line's start. */
export function escapeRoff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^([.'])/gm, "\\&$1");
}

/**
 * Turns the small Markdown of `man/src` into roff: `## ` headings, paragraphs, `- ` lists, blocks indented by four
 * spaces, `code` and **bold**.
 */
export function markdownToRoff(markdown: string): string {
  const out: string[] = [];
  for (const block of markdown.trim().split(/\n{2,}/)) {
    if (block.startsWith("## ")) {
      const [heading = "", ...rest] = block.split("\n");
      out.push(`.SH ${heading.slice(3).toUpperCase()}`);
      if (rest.length > 0) out.push(inline(rest.join("\n")));
    } else if (block.startsWith("    ")) {
      const code = block.split("\n").map((line) => escapeRoff(line.slice(4)));
      out.push(".PP", ".nf", ".RS 4", ...code, ".RE", ".fi");
    } else if (block.startsWith("- ")) {
      for (const item of block.split(/\n(?=- )/)) {
        out.push(".IP \\(bu 2", inline(item.slice(2).replace(/\n\s+/g, " ")));
      }
    } else {
      out.push(".PP", inline(block));
    }
  }
  return out.join("\n");
}

function inline(text: string): string {
  return escapeRoff(text)
    .replace(/\*\*([^*]+)\*\*/g, "\\fB$1\\fR")
    .replace(/`([^`]+)`/g, "\\fB$1\\fR");
}
