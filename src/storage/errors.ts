import { RegistryCtlError } from "../errors.ts";

/** A change was asked of a store that was opened read-only. Always a decision of the operator, never of the store. */
export class ReadOnlyStoreError extends RegistryCtlError {
  override readonly name: string = "ReadOnlyStoreError";
  constructor(driver: string, operation: string, path: string) {
    super("ERR_STORAGE_READ_ONLY", `${driver}: cannot ${operation} ${path}: the store is opened read-only`, {
      hint: "run the command without --read-only-store to let it change the store",
    });
  }
}

/** A file is larger than the caller can use. */
export class FileTooLargeError extends RegistryCtlError {
  override readonly name: string = "FileTooLargeError";
  constructor(driver: string, path: string, sizeBytes: number, maxBytes: number) {
    super(
      "ERR_STORAGE_FILE_TOO_LARGE",
      `${driver}: ${path} has ${sizeBytes} bytes, at most ${maxBytes} were expected`,
    );
  }
}
