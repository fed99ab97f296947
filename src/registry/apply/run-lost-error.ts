import { RegistryCtlError } from "../../errors.ts";

/**
 * What requests have relied on since the collection began is not known any more, because a process that served them
 * ended without a word. The plan must not be carried on with: begin again, and plan anew.
 */
export class RunLostError extends RegistryCtlError {
  override readonly name: string = "RunLostError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_COLLECTION_RUN_LOST", message, options);
  }
}
