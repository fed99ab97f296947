/**
 * @param rightAligned - indices of columns that are aligned to the right
 * @returns a table as GitHub's and GitLab's Markdown have it, without final newline
 * @see https://github.github.com/gfm/#tables-extension-
 */
export function renderMarkdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  rightAligned: readonly number[] = [],
): string {
  const rule = head.map((_, index) => (rightAligned.includes(index) ? "---:" : "---"));
  return [head, rule, ...rows]
    .map((row) => `| ${head.map((_, index) => escapeCell(row[index] ?? "")).join(" | ")} |`)
    .join("\n");
}

function escapeCell(text: string): string {
  return text.replace(/[\\|]/g, "\\$&").replaceAll("\n", " ");
}
