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
