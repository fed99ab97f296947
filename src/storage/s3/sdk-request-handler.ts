import type { S3Client } from "@aws-sdk/client-s3";
import type { Dispatcher } from "undici";
import { codeOf } from "./retry-rules.ts";
import { sentBody } from "./sent-body.ts";
import { uriEncode } from "./uri-encode.ts";

type RequestHandler = S3Client["config"]["requestHandler"];
type SdkRequest = Parameters<RequestHandler["handle"]>[0];

/** Makes the SDK's requests over the lane's kind of connections, since those of the SDK know of no proxy. */
export function sdkRequestHandler(
  dispatcherFor: (origin: string) => Dispatcher,
  silenceMs: number,
): RequestHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    async handle(request, options) {
      const abortSignal = options && "abortSignal" in options ? options.abortSignal : undefined;
      const signal = abortSignal instanceof AbortSignal ? abortSignal : undefined;
      const origin = `${request.protocol}//${request.hostname}${request.port === undefined ? "" : `:${request.port}`}`;
      const { body: whole } = request;
      const isWhole = whole instanceof Uint8Array;
      const length = isWhole ? { "content-length": String(whole.length) } : {};
      try {
        const answer = await dispatcherFor(origin).request({
          ...{ origin, path: pathOf(request), method: request.method as Dispatcher.HttpMethod },
          headers: { ...request.headers, ...length },
          body: isWhole ? sentBody(whole) : (whole ?? null),
          headersTimeout: silenceMs,
          bodyTimeout: silenceMs,
          ...(signal && { signal }),
        });
        const { statusCode, headers, body } = answer;
        return { response: { statusCode, headers: plainHeaders(headers), body } };
      } catch (error) {
        throw signal?.aborted ? error : connectionError(error);
      }
    },
  };
}

function pathOf({ path, query = {}, fragment }: SdkRequest): string {
  const parts = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((each) =>
      each === null ? uriEncode(name) : `${uriEncode(name)}=${uriEncode(each)}`,
    ),
  );
  return `${path}${parts.length > 0 ? `?${parts.join("&")}` : ""}${fragment ? `#${fragment}` : ""}`;
}

function plainHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(", ") : value;
  }
  return plain;
}

/** A proxy that refuses is told as an abort, which the SDK would take for ours. */
function connectionError(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error);
  return Object.assign(new Error(message, { cause: error }), { code: codeOf(error) || "ECONNRESET" });
}
