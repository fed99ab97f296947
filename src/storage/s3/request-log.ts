import type { S3Client } from "@aws-sdk/client-s3";
import { kindOfCommand, kindOfRequest } from "./request-counts.ts";
import { type S3Lane, type S3Request, S3RequestError } from "./s3-lane.ts";

/**
 * Is told of each request, on one line: what was asked, the answer's status and how long it took. Never a body, a header or
 * a signature.
 */
export type RequestLog = (line: string) => void;

/** Tells of the requests of a lane, of all attempts of one together. */
export function loggedLane(lane: S3Lane, log: RequestLog): S3Lane {
  const logged = async <Answer extends { status: number; attempts: number }>(
    request: S3Request,
    send: (request: S3Request) => Promise<Answer>,
  ): Promise<Answer> => {
    const tell = startLine(log, kindOfRequest(request), request.key ?? request.query?.["prefix"]);
    try {
      const answer = await send(request);
      tell(`${answer.status}`, answer.attempts);
      return answer;
    } catch (error) {
      if (error instanceof S3RequestError) tell(`${error.status} ${error.code}`.trimEnd(), error.attempts);
      else tell(nameOf(error), 1);
      throw error;
    }
  };
  return {
    requests: lane.requests,
    send: (request) => logged(request, (each) => lane.send(each)),
    open: (request) => logged(request, (each) => lane.open(each)),
  };
}

/** Tells of each attempt of the SDK's requests. */
export function logSdkRequests(client: S3Client, log: RequestLog): void {
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const key = "Key" in args.input ? args.input.Key : undefined;
      const tell = startLine(log, kindOfCommand(context.commandName ?? ""), key);
      try {
        const result = await next(args);
        tell(statusOf(result.response), 1);
        return result;
      } catch (error) {
        tell(nameOf(error), 1);
        throw error;
      }
    },
    // Next to the connection: above it refusals are errors already.
    { step: "deserialize", priority: "low", name: "registryCtlLog" },
  );
}

function startLine(log: RequestLog, kind: string, key: string | undefined) {
  const startedMs = performance.now();
  return (outcome: string, attempts: number): void => {
    const times = attempts > 1 ? ` at attempt ${attempts}` : "";
    const ms = Math.round(performance.now() - startedMs);
    log(`s3: ${kind}${key === undefined ? "" : ` ${key}`}: ${outcome}${times} in ${ms} ms`);
  };
}

function statusOf(response: unknown): string {
  return typeof response === "object" && response !== null && "statusCode" in response
    ? String(response.statusCode)
    : "answered";
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : "failed";
}
