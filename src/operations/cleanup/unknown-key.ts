import { nearestName } from "../../config/nearest-key.ts";

/**
 * Says that there is no such key, and which one may have been meant.
 *
 * @param prefix - what stands before the name, with its dot
 */
export function unknownKey(name: string, known: readonly string[], prefix = ""): string {
  const near = nearestName(known, name);
  const advice = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`;
  return `there is no key ${prefix}${name}; ${advice}`;
}
