import { InvalidArgumentError } from "commander";
import { isDigest } from "../../../oci/digest.ts";
import { isRepositoryName, isTag } from "../../../oci/reference.ts";

/** A tag of a repository, as `REPOSITORY:TAG` names it. */
export interface TagReference {
  repository: string;
  tag: string;
}

/** @throws {InvalidArgumentError} if `text` does not name a tag of a repository */
export function parseTagReference(text: string): TagReference {
  const colon = text.lastIndexOf(":");
  const [repository, tag] = [text.slice(0, colon), text.slice(colon + 1)];
  if (colon < 0 || text.includes("@") || !isRepositoryName(repository) || !isTag(tag)) {
    throw new InvalidArgumentError(
      "It is REPOSITORY:TAG, such as group/app:v1, without the registry's host.",
    );
  }
  return { repository, tag };
}

/** @throws {InvalidArgumentError} if `text` is no digest */
export function parseDigestArgument(text: string): string {
  if (!isDigest(text)) throw new InvalidArgumentError("It is a digest: sha256: and 64 hexadecimal digits.");
  return text;
}
