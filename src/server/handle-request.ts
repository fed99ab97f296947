import { formatAccessLine } from "./access-log.ts";
import { ClientGoneError } from "./api-error.ts";
import { dispatch } from "./dispatch.ts";
import { errorAnswer, errorKeyOf } from "./error-answer.ts";
import { Exchange } from "./exchange.ts";
import { sendAnswer } from "./send-answer.ts";
import type { ServerContext } from "./server-context.ts";
import type { Wire } from "./wire.ts";

/** Logged, never sent: the client went before it was answered (as nginx logs it). */
const STATUS_CLIENT_GONE = 499;

let requestCount = 0;

/**
 * Handles one request from its headers to the line in the access log.
 *
 * @param onEnd - called once, when the handler is done and the answer has left or the client has
 */
export function handleRequest(
  context: ServerContext,
  wire: Wire,
  options: { awaitsContinue: boolean; onEnd: () => void },
): void {
  const exchange = new Exchange(wire, context.coordination, options.awaitsContinue);
  let open = 2;
  const endPart = (): void => {
    open--;
    if (open > 0) return;
    exchange.release();
    context.writes.end(exchange);
    options.onEnd();
  };
  wire.onceClosed(() => {
    exchange.close();
    logAccess(context, exchange);
    endPart();
  });
  wire.onceAnswered(() => lingerForBody(context, exchange));
  const working = run(context, exchange);
  if (working === undefined) endPart();
  else working.catch((error) => fail(context, exchange, error)).finally(endPart);
}

/** @returns a promise only if the answer could not be given at once */
function run(context: ServerContext, exchange: Exchange): void | Promise<void> {
  try {
    const answer = dispatch(context, exchange);
    if (!(answer instanceof Promise)) return sendAnswer(context, exchange, answer);
    return answer.then((value) => sendAnswer(context, exchange, value));
  } catch (error) {
    fail(context, exchange, error);
    return undefined;
  }
}

function fail(context: ServerContext, exchange: Exchange, error: unknown): void {
  const { wire } = exchange;
  if (error instanceof ClientGoneError || exchange.closed) {
    context.logger.debug("client went away", describe(exchange, error));
    wire.cutAnswer();
    return;
  }
  const answer = errorAnswer(error);
  if (answer.status >= 500) {
    const message = errorKeyOf(error) === "UNKNOWN" ? "request failed unexpectedly" : "request failed";
    context.logger.error(message, describe(exchange, error));
  } else {
    context.logger.debug("request refused", { ...describe(exchange, error), status: answer.status });
  }
  if (wire.answerBegun) {
    wire.cutAnswer();
    return;
  }
  try {
    void sendAnswer(context, exchange, answer);
  } catch (sendError) {
    context.logger.error("answer could not be sent", describe(exchange, sendError));
    wire.cutAnswer();
  }
}

function describe(exchange: Exchange, error: unknown): Record<string, unknown> {
  const causes: string[] = [];
  for (let cause = error; cause instanceof Error && causes.length < 5; cause = cause.cause) {
    causes.push(cause.message);
  }
  requestCount++;
  return {
    requestId: `${Date.now().toString(36)}-${requestCount.toString(36)}`,
    method: exchange.method,
    uri: exchange.wire.target,
    client: exchange.clientAddress,
    error: causes.length > 0 ? causes.join(": ") : String(error),
    ...(error instanceof Error && "code" in error ? { code: error.code } : {}),
    ...(errorKeyOf(error) === "UNKNOWN" && error instanceof Error ? { stack: error.stack } : {}),
  };
}

/**
 * Throws away what a refused client still sends, for a while: closing at once would reset the connection, and the
 * client might never read why it was refused.
 */
function lingerForBody(context: ServerContext, exchange: Exchange): void {
  const { wire } = exchange;
  if (wire.bodyComplete || (exchange.awaitsContinue && wire.takesConnectionHeader)) return;
  wire.discardBody(context.limits.lingerMs);
}

function logAccess(context: ServerContext, exchange: Exchange): void {
  const { wire } = exchange;
  const line = formatAccessLine(
    {
      clientAddress: exchange.clientAddress,
      user: exchange.user,
      method: exchange.method,
      uri: wire.target,
      httpVersion: wire.httpVersion,
      status: wire.answerBegun ? wire.status : STATUS_CLIENT_GONE,
      sentBytes: exchange.sentBytes,
      referer: exchange.header("referer"),
      userAgent: exchange.header("user-agent"),
    },
    new Date(),
  );
  context.accessLog(line);
}
