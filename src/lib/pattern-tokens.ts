/** One piece of a pattern's text: an ordinary or escaped character, a bracket, an operator. */
export interface PatternToken {
  text: string;
  /** Offset in UTF-16 units, from 0. */
  at: number;
  /** Open groups around it; an opening bracket counts outside its own group, a closing one too. */
  depth: number;
  /** Inside `[…]`, or between `\Q` and `\E`, where operators are characters. */
  isLiteral: boolean;
}

/**
 * Cuts a regular expression of RE2's syntax into its pieces, in order and without loss. It judges nothing: a pattern that does not
 * compile is cut all the same, so that a fault can be found in it.
 * @see https://github.com/google/re2/wiki/Syntax
 */
export function tokenizePattern(pattern: string): PatternToken[] {
  const tokens: PatternToken[] = [];
  let depth = 0;
  for (let at = 0; at < pattern.length; ) {
    if (pattern.startsWith("\\Q", at)) {
      const end = pattern.indexOf("\\E", at + 2);
      const text = pattern.slice(at, end < 0 ? undefined : end + 2);
      tokens.push({ text, at, depth, isLiteral: true });
      at += text.length;
    } else if (pattern[at] === "[") {
      const text = classAt(pattern, at);
      tokens.push({ text, at, depth, isLiteral: true });
      at += text.length;
    } else {
      const text = plainAt(pattern, at);
      if (text === ")" && depth > 0) depth -= 1;
      tokens.push({ text, at, depth, isLiteral: false });
      if (text === "(") depth += 1;
      at += text.length;
    }
  }
  return tokens;
}

function plainAt(pattern: string, at: number): string {
  const length = pattern[at] === "\\" ? 2 : 1;
  return pattern.slice(at, at + length);
}

/** A class from its bracket to the one that closes it; `]` right after `[` or `[^` is a member, `[:name:]` stands inside whole. */
function classAt(pattern: string, start: number): string {
  let at = start + 1;
  if (pattern[at] === "^") at += 1;
  if (pattern[at] === "]") at += 1;
  while (at < pattern.length && pattern[at] !== "]") {
    const name = /^\[:\^?\w*:\]/.exec(pattern.slice(at, at + 32));
    at += name ? name[0].length : plainAt(pattern, at).length;
  }
  return pattern.slice(start, at + 1);
}
