import type { Digest } from "../oci/digest.ts";
import type { PinKey } from "./coordination/coordination.ts";

/** @returns the keys of an object in a repository: its bytes, and the repository's link to them */
export function objectKeys(name: string, digest: Digest): PinKey[] {
  return [digest, `${name}@${digest}`];
}
