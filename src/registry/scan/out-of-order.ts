import { StorageUnavailableError } from "../../errors.ts";

/** @returns what is thrown where a listing is not in the order of its keys, so that nothing can be told from it */
export function outOfOrder(path: string, last: string): StorageUnavailableError {
  return new StorageUnavailableError(
    `the store does not list in the order of its keys: ${path} came behind ${last}`,
    {
      hint: "use a store whose listings are in byte order, as S3's are",
    },
  );
}
