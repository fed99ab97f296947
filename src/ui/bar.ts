/** What the parts of a bar are drawn with: letters that every terminal has. */
const MARKS = ["#", ":"];

/**
 * @param parts - how much each part of the bar stands for, from its beginning
 * @param whole - what a bar of full width stands for
 * @returns a bar of at most `width` places; what is more than nothing has at least one
 */
export function renderBar(parts: readonly number[], whole: number, width: number): string {
  const sum = parts.reduce((total, part) => total + part, 0);
  if (sum <= 0 || whole <= 0) return "";
  const length = Math.max(1, Math.round((Math.min(sum, whole) / whole) * width));
  let bar = "";
  let before = 0;
  for (const [index, part] of parts.entries()) {
    before += part;
    bar += (MARKS[index] ?? "-").repeat(Math.round((before / sum) * length) - bar.length);
  }
  return bar;
}
