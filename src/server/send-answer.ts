import type { Answer, AnswerHeaders, BodySource } from "./answer.ts";
import { ClientGoneError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { ServerContext } from "./server-context.ts";
import { streamFile, streamReadable } from "./stream-file.ts";

/** A kilobyte a second: who takes a manifest more slowly than this, beyond the idle time, is cut off. */
const SLOWEST_BYTES_PER_MS = 1;

/**
 * Sends an answer. Resolves when all of it has been given to the connection.
 *
 * @throws {ClientGoneError}
 * @throws if the body's source fails; the connection is closed then, as the length that was told cannot be kept
 */
export function sendAnswer(context: ServerContext, exchange: Exchange, answer: Answer): void | Promise<void> {
  const { wire } = exchange;
  // Also where nobody reads the answer any more: what was stored for it relies on them.
  exchange.flushLeases();
  if (wire.answerBroken || exchange.closed) {
    return answer.body && !(answer.body instanceof Uint8Array) ? discard(answer.body) : undefined;
  }
  wire.begin(answer.status, headersOf(context, exchange, answer));
  const body = exchange.method === "HEAD" ? undefined : answer.body;
  if (body === undefined || body instanceof Uint8Array) {
    exchange.sentBytes += body?.length ?? 0;
    // They are given to the connection at once; a client that does not take them must not hold it for ever.
    exchange.endWithin(context.limits.downloadIdleTimeoutMs + (body?.length ?? 0) / SLOWEST_BYTES_PER_MS);
    wire.end(body);
    if (exchange.method === "HEAD" && answer.body && !(answer.body instanceof Uint8Array)) {
      return discard(answer.body);
    }
    return undefined;
  }
  return sendSource(context, exchange, body);
}

function headersOf(context: ServerContext, exchange: Exchange, answer: Answer): AnswerHeaders {
  const headers: AnswerHeaders = {
    ...context.headers,
    "Docker-Distribution-Api-Version": "registry/2.0",
    ...answer.headers,
  };
  if (answer.status !== 204 && answer.status !== 304) {
    headers["Content-Length"] = String(bodyLength(answer));
  }
  // A body that was never asked for may or may not follow: the connection is good for nothing else.
  if ((context.draining || exchange.awaitsContinue) && exchange.wire.takesConnectionHeader) {
    headers["Connection"] = "close";
  }
  return headers;
}

function bodyLength(answer: Answer): number {
  if (answer.body === undefined) return answer.lengthBytes ?? 0;
  return answer.body instanceof Uint8Array ? answer.body.length : answer.body.lengthBytes;
}

async function sendSource(context: ServerContext, exchange: Exchange, body: BodySource): Promise<void> {
  const { wire } = exchange;
  const onSent = (bytes: number): void => {
    exchange.sentBytes += bytes;
  };
  const { downloadIdleTimeoutMs: idleTimeoutMs } = context.limits;
  const options = { idleTimeoutMs, signal: exchange.signal, onSent };
  try {
    if (body.kind === "file") {
      await streamFile(wire, body.file, body, { ...options, rings: context.rings });
    } else {
      await streamReadable(wire, body.stream, options);
    }
    wire.end();
  } catch (error) {
    const gone = exchange.closed;
    wire.cutAnswer();
    throw gone && !(error instanceof ClientGoneError) ? new ClientGoneError({ cause: error }) : error;
  }
}

async function discard(body: BodySource): Promise<void> {
  if (body.kind === "file") await body.file.close();
  else body.stream.destroy();
}
