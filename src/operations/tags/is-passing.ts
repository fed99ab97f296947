import { RegistryAnswerError } from "../../client/registry/registry-errors.ts";
import { StorageUnavailableError } from "../../errors.ts";
import { isObject } from "../../lib/is-object.ts";

/** What a file system or an S3 store says that denies something: asking again changes nothing. */
const DENIALS: readonly unknown[] = ["EACCES", "EPERM", "EROFS", "AccessDenied", 401, 403];

/** Tells whether what a store, or a registry over HTTP, has failed at may go well a moment later. */
export function isPassing(error: unknown): boolean {
  if (error instanceof RegistryAnswerError) return error.isPassing;
  if (!(error instanceof StorageUnavailableError)) return false;
  const { cause } = error;
  return (
    !isObject(cause) || !DENIALS.some((denial) => cause["code"] === denial || cause["status"] === denial)
  );
}
