import { RegistryCtlError } from "../errors.ts";

/** Longest repository name, in characters, that Distribution's grammar admits (`NameTotalLengthMax`). */
export const MAX_REPOSITORY_NAME_LENGTH = 255;

/** One path component of a repository name: alphanumerics joined by `.`, `_`, `__` or any number of `-`. */
const COMPONENT = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";

const REPOSITORY_NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

/** A repository name or a tag that is outside the grammar. */
export class InvalidReferenceError extends RegistryCtlError {
  override readonly name: string = "InvalidReferenceError";
  readonly kind: "repository" | "tag";
  constructor(kind: "repository" | "tag", text: string, reason: string) {
    super(
      `ERR_INVALID_${kind.toUpperCase()}`,
      `invalid ${kind} ${JSON.stringify(text.slice(0, 300))}: ${reason}`,
    );
    this.kind = kind;
  }
}

/**
 * Tells whether `text` is a repository name.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function isRepositoryName(text: string): boolean {
  return text.length <= MAX_REPOSITORY_NAME_LENGTH && REPOSITORY_NAME.test(text);
}

/**
 * Tells whether `text` is a tag.
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests
 */
export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** @throws {InvalidReferenceError} if `text` is not a repository name, with what is wrong with it */
export function checkRepositoryName(text: string): void {
  if (isRepositoryName(text)) return;
  throw new InvalidReferenceError("repository", text, explainRepositoryName(text));
}

/** @throws {InvalidReferenceError} if `text` is not a tag */
export function checkTag(text: string): void {
  if (isTag(text)) return;
  throw new InvalidReferenceError(
    "tag",
    text,
    "expected 1 to 128 letters, digits, '_', '.' or '-', not starting with '.' or '-'",
  );
}

function explainRepositoryName(text: string): string {
  if (text === "") return "it is empty";
  if (text.length > MAX_REPOSITORY_NAME_LENGTH) {
    return `it has ${text.length} characters, at most ${MAX_REPOSITORY_NAME_LENGTH} are allowed`;
  }
  if (/[A-Z]/.test(text)) return "upper-case letters are not allowed";
  const bad = text.split("/").find((part) => !new RegExp(`^${COMPONENT}$`).test(part));
  if (bad === "") return "it has an empty path component";
  if (bad?.startsWith("_")) return `component ${JSON.stringify(bad)} has a leading underscore`;
  if (bad?.endsWith("-")) return `component ${JSON.stringify(bad)} has a trailing hyphen`;
  return `component ${JSON.stringify(bad)} is not lower-case letters and digits joined by '.', '_', '__' or '-'`;
}
