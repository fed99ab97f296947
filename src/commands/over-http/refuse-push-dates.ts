import { UsageError } from "../../errors.ts";

/**
 * @param option - that needs to know when tags were pushed; undefined: none does
 * @throws {UsageError} over HTTP, where nobody knows that
 */
export function refusePushDates(
  { registry }: { registry?: string },
  option: string | undefined,
  instead: string,
): void {
  if (registry === undefined || option === undefined) return;
  throw new UsageError(`${option} needs to know when tags were pushed, which no registry tells over HTTP`, {
    hint: instead,
  });
}
