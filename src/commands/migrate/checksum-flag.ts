import { UsageError } from "../../errors.ts";

/** @throws {UsageError} if there is one argument too many */
export function readChecksum(
  checksum: number | string | undefined,
  argument: string | undefined,
): { percent: number | undefined; argument: string | undefined } {
  if (typeof checksum !== "string") return { percent: checksum, argument };
  // Behind a bare --checksum stands the argument.
  if (checksum === "100%") return { percent: 100, argument };
  if (argument !== undefined) {
    throw new UsageError(`too many arguments: ${JSON.stringify(checksum)} and ${JSON.stringify(argument)}`, {
      hint: "give a share as --checksum=5%, and one configuration file",
    });
  }
  return { percent: 100, argument: checksum };
}
