import {
  CancelledError,
  PathNotFoundError,
  RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { S3ConnectionError, S3RequestError } from "./s3-lane.ts";
import { sdkRefusalOf } from "./sdk-refusal.ts";
import { explainConnection } from "./translate-connection.ts";
import { type Explanation, endpointOf, type FailureContext, type Refusal } from "./translate-context.ts";
import { explainRefusal } from "./translate-refusal.ts";
import { XmlError } from "./xml/xml-scanner.ts";

/** Makes {@link S3Store.translate} of one bucket. */
export function errorTranslator(
  context: FailureContext,
): (error: unknown, operation: string, path: string) => unknown {
  return (error, operation, path) => {
    if (error instanceof RegistryCtlError) return error;
    if (error instanceof Error && error.name === "AbortError") {
      return new CancelledError("cancelled", { cause: error });
    }
    const refusal = error instanceof S3RequestError ? error : sdkRefusalOf(error);
    if (refusal !== undefined && isMissing(refusal)) {
      return new PathNotFoundError("s3", path, { cause: error });
    }
    const explanation = explain(error, refusal, operation, context);
    if (explanation === undefined) return error;
    const message = `s3: cannot ${operation} ${path} in ${context.location}: ${explanation.why}`;
    const options = { hint: explanation.hint, cause: error };
    return explanation.isFull
      ? new StorageFullError(message, options)
      : new StorageUnavailableError(message, options);
  };
}

/** Tells whether a refusal says that there is no such object. */
function isMissing({ status, code, requestId }: Refusal): boolean {
  if (status !== 404 || !MISSING_CODES.has(code)) return false;
  // The SDK's word for an answer without a body, which may be that of a proxy whose store is away.
  return code !== "NotFound" || requestId !== "";
}

/** HEAD has no body that would have a code. */
const MISSING_CODES = new Set(["", "NoSuchKey", "NotFound"]);

function explain(
  error: unknown,
  refusal: Refusal | undefined,
  operation: string,
  context: FailureContext,
): Explanation | undefined {
  if (refusal !== undefined) return explainRefusal(refusal, operation, context);
  if (error instanceof XmlError) {
    return {
      why: `the answer cannot be read: ${error.message}`,
      hint: `look whether ${endpointOf(context.settings)} is an S3 server, without a proxy that changes its answers`,
    };
  }
  if (!(error instanceof Error)) return undefined;
  if (error.name === "CredentialsProviderError" || error.name === "TokenProviderError") {
    return noCredentials(error, context);
  }
  const isFromConnection =
    error instanceof S3ConnectionError ||
    error.name === "TimeoutError" ||
    "syscall" in error ||
    "code" in error;
  return isFromConnection ? explainConnection(error, context) : undefined;
}

function noCredentials(error: Error, { settings }: FailureContext): Explanation {
  return {
    why: `no credentials were found: ${messageOf(error)}`,
    hint:
      `set storage.${settings.driver}.accesskey and secretkey, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, ` +
      "or give this host, pod or profile a role",
  };
}
