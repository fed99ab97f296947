/** A part of a text, from the character `from` to before `to`, and what is to stand there instead. */
export interface Span {
  from: number;
  to: number;
  text: string;
}

/** @returns the text with parts replaced, none of which may overlap */
export function replaceSpans(text: string, spans: readonly Span[]): string {
  let result = text;
  for (const { from, to, text: replacement } of [...spans].sort((a, b) => b.from - a.from)) {
    result = result.slice(0, from) + replacement + result.slice(to);
  }
  return result;
}
