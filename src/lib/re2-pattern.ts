import { RE2JS, RE2JSException, RE2JSSyntaxException } from "re2js";
import { UsageError } from "../errors.ts";
import { type PatternToken, tokenizePattern } from "./pattern-tokens.ts";

/** A compiled pattern. */
export interface Pattern {
  /** The text it was compiled from. */
  readonly source: string;
  /** True if the pattern matches `name`, in time linear in its length. */
  test(name: string): boolean;
}

/**
 * Where a match has to begin and end:
 * `whole` the name from its first character to its last; `none` anywhere in it; `gitlab` as GitLab's cleanup policies do it, which put `\A`
 * before and `\z` behind the text without a group around it, so that `main|prod` matches what begins with `main` or ends in `prod`.
 * @see https://gitlab.com/gitlab-org/gitlab/-/blob/master/app/services/projects/container_repository/cleanup_tags_base_service.rb
 */
export type PatternAnchoring = "gitlab" | "whole" | "none";

/** A pattern that RE2 does not take. The message names where in the pattern. */
export class InvalidPatternError extends UsageError {
  override readonly name: string = "InvalidPatternError";
  readonly pattern: string;
  /** What is wrong, without the pattern and the place. */
  readonly reason: string;
  /** Place of the fault in UTF-16 units, from 0 to the pattern's length. */
  readonly offset: number;

  constructor(
    pattern: string,
    reason: string,
    offset: number,
    options: { hint?: string | undefined; cause?: unknown } = {},
  ) {
    super(
      `invalid regular expression ${JSON.stringify(pattern)}: ${reason} at character ${offset + 1}`,
      options,
    );
    this.pattern = pattern;
    this.reason = reason;
    this.offset = offset;
  }
}

/**
 * Compiles a regular expression in RE2's syntax.
 * @throws {InvalidPatternError} if RE2 does not take it; with `gitlab`, if it does not take it alone or with the anchors
 */
export function compilePattern(text: string, options: { anchored: PatternAnchoring }): Pattern {
  const alone = compile(text, text);
  switch (options.anchored) {
    case "whole":
      return { source: text, test: (name) => alone.testExact(name) };
    case "none":
      return { source: text, test: (name) => alone.test(name) };
    case "gitlab": {
      const anchored = compile(`\\A${text}\\z`, text);
      return { source: text, test: (name) => anchored.test(name) };
    }
  }
}

/**
 * Tells whether a `|` stands outside every group, class and quotation: there GitLab's anchors hold only the first and the last branch.
 * @param text - a pattern that compiles
 */
export function hasOpenAlternation(text: string): boolean {
  return tokenizePattern(text).some((token) => token.depth === 0 && !token.isLiteral && token.text === "|");
}

function compile(source: string, shown: string): RE2JS {
  try {
    return RE2JS.compile(source);
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error;
    const isSyntax = error instanceof RE2JSSyntaxException;
    const reason = isSyntax ? error.getDescription() : error.message;
    const fragment = isSyntax ? (error.getPattern() ?? undefined) : undefined;
    const at = faultOffset(shown, reason, fragment);
    throw new InvalidPatternError(shown, reason, at, { hint: hintFor(shown.slice(at)), cause: error });
  }
}

/** RE2 names a fragment and no place; brackets are counted again here, other fragments sought where a piece of the pattern begins. */
function faultOffset(pattern: string, reason: string, fragment: string | undefined): number {
  const tokens = tokenizePattern(pattern);
  if (reason.startsWith("missing closing )")) return lastUnclosed(tokens);
  if (reason.startsWith("unexpected )")) return firstUnopened(tokens);
  if (reason.startsWith("trailing backslash")) return Math.max(0, pattern.length - 1);
  if (fragment === undefined) return 0;
  if (reason.startsWith("duplicate")) return Math.max(0, pattern.lastIndexOf(`<${fragment}>`));
  const begins = tokens.find((token) => !token.isLiteral && pattern.startsWith(fragment, token.at));
  const holds = tokens.find((token) => token.isLiteral && token.text.includes(fragment));
  if (begins && (!holds || begins.at < holds.at)) return begins.at;
  if (holds) return holds.at + holds.text.indexOf(fragment);
  return Math.max(0, pattern.indexOf(fragment));
}

function lastUnclosed(tokens: readonly PatternToken[]): number {
  const open: number[] = [];
  for (const { text, at, isLiteral } of tokens) {
    if (isLiteral) continue;
    if (text === "(") open.push(at);
    if (text === ")") open.pop();
  }
  return open.at(-1) ?? 0;
}

function firstUnopened(tokens: readonly PatternToken[]): number {
  let open = 0;
  for (const { text, at, isLiteral } of tokens) {
    if (isLiteral) continue;
    if (text === "(") open += 1;
    if (text !== ")") continue;
    if (open === 0) return at;
    open -= 1;
  }
  return 0;
}

function hintFor(rest: string): string | undefined {
  if (/^\(\?<?[=!]/.test(rest))
    return "RE2 has no look-ahead and no look-behind: use a second pattern for what is to be kept";
  if (/^\\[1-9]/.test(rest)) return "RE2 has no references to earlier groups";
  if (/^[*+?{]/.test(rest))
    return "write a character or a group before it, or a backslash to mean the character itself";
  return "the syntax is RE2's: https://github.com/google/re2/wiki/Syntax";
}
