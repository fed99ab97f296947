import { UsageError } from "../../../errors.ts";
import { compilePattern } from "../../../lib/re2-pattern.ts";

/** Characters of a pattern; the column of the table takes no more. */
const MAX_PATTERN = 255;

/**
 * @param option - for the message: `--name-regex-delete`
 * @throws {UsageError} if GitLab would not take the pattern
 */
export function checkGitLabPattern(pattern: string, option: string): void {
  if (pattern.length > MAX_PATTERN) {
    throw new UsageError(
      `${option} has ${pattern.length} characters, and GitLab takes at most ${MAX_PATTERN}`,
    );
  }
  compilePattern(pattern, { anchored: "gitlab" });
}
