import { RegistryCtlError } from "../../../errors.ts";

/** A blob could not be had from elsewhere; nothing was written. */
export class BlobNotFetchedError extends RegistryCtlError {
  override readonly name: string = "BlobNotFetchedError";
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("ERR_BLOB_NOT_FETCHED", message, options);
  }
}
