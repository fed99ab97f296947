import { RegistryCtlError } from "../../errors.ts";

/** Another registry gives no answer, or none that is of use. */
export class RegistryAnswerError extends RegistryCtlError {
  override readonly name: string = "RegistryAnswerError";
  /** Asking again may help. */
  readonly isPassing: boolean;
  /** Of the answer, where there is one. */
  readonly status: number | undefined;
  /** How long the other side asks to be left alone, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  /** @param message - without credentials */
  constructor(
    message: string,
    options: {
      hint?: string | undefined;
      cause?: unknown;
      isPassing?: boolean;
      status?: number | undefined;
      retryAfterMs?: number | undefined;
    } = {},
  ) {
    super("ERR_REGISTRY_ANSWER", message, options);
    this.isPassing = options.isPassing ?? false;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** @returns whether another request may get another answer: too many at a time, or something behind the registry is away */
export function isPassingStatus(status: number): boolean {
  return status === 429 || (status >= 500 && status !== 501 && status !== 505);
}
