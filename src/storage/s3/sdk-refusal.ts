/** What the SDK says of a request that a store has refused. */
export interface SdkRefusal {
  status: number;
  /** Such as `NoSuchKey`; empty where the answer had no body. */
  code: string;
  message: string;
  requestId: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** Plain elements of the answer's body by name. */
  details: Readonly<Record<string, string>>;
  isClockSkewCorrected: boolean;
}

/** @returns undefined if the error is not one of an answer */
export function sdkRefusalOf(error: unknown): SdkRefusal | undefined {
  if (!(error instanceof Error) || !("$metadata" in error)) return undefined;
  const { $metadata: metadata } = error;
  if (typeof metadata !== "object" || metadata === null) return undefined;
  const status = "httpStatusCode" in metadata ? metadata.httpStatusCode : undefined;
  if (typeof status !== "number") return undefined;
  const headers = headersOf(error);
  const requestId =
    "requestId" in metadata && typeof metadata.requestId === "string" ? metadata.requestId : "";
  return {
    status,
    code: codeOfName(error, status),
    message: error.message === "UnknownError" ? "" : error.message,
    requestId: requestId || (headers["x-amz-request-id"] ?? ""),
    headers,
    details: Object.fromEntries(
      Object.entries(error).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
    ),
    isClockSkewCorrected: "clockSkewCorrected" in metadata && metadata.clockSkewCorrected === true,
  };
}

/** Where an answer had no body, the SDK names the error by its status or by a word of its own. */
function codeOfName(error: Error, status: number): string {
  if ("Code" in error && typeof error.Code === "string") return error.Code;
  const isMadeUp = error.name === String(status) || error.name === "Error" || error.name === "Unknown";
  return isMadeUp ? "" : error.name;
}

function headersOf(error: Error): Readonly<Record<string, string>> {
  const response = "$response" in error ? error.$response : undefined;
  if (typeof response !== "object" || response === null || !("headers" in response)) return {};
  const { headers } = response;
  if (typeof headers !== "object" || headers === null) return {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}
