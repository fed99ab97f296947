import { RegistryCtlError } from "../../errors.ts";

/** Another registry gives no answer, or none that is of use. */
export class RegistryAnswerError extends RegistryCtlError {
  override readonly name: string = "RegistryAnswerError";
  /** Asking again may help. */
  readonly isPassing: boolean;

  /** @param message - without credentials */
  constructor(
    message: string,
    options: { hint?: string | undefined; cause?: unknown; isPassing?: boolean } = {},
  ) {
    super("ERR_REGISTRY_ANSWER", message, options);
    this.isPassing = options.isPassing ?? false;
  }
}
