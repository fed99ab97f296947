import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultKind } from "./faults.ts";
import type { Reply } from "./reply.ts";

const SLOW_PIECES = 8;
const SLOW_PAUSE_MS = 5;

/** Sends an answer, or what a fault leaves of it. The operation has had its effect. */
export async function sendReply(
  response: ServerResponse,
  reply: Reply,
  fault: FaultKind | undefined,
  isHead: boolean,
): Promise<void> {
  const body = Buffer.from(reply.body ?? "");
  const isXml = reply.headers?.["content-type"] === "application/xml" && !isHead;
  switch (fault) {
    case "stalled":
      return;
    case "reset-after":
      response.destroy();
      return;
    case "cut-body":
      return sendCut(response, reply, isHead ? Buffer.alloc(0) : body);
    case "truncated-xml":
      if (!isXml) response.destroy();
      else sendWhole(response, reply, body.subarray(0, Math.floor(body.length * 0.6)), isHead);
      return;
    case "slow-body":
      if (isHead) sendWhole(response, reply, body, isHead);
      else await sendSlowly(response, reply, body);
      return;
    default:
      sendWhole(response, reply, body, isHead);
  }
}

function sendWhole(
  response: ServerResponse,
  { status, headers }: Reply,
  body: Buffer,
  isHead: boolean,
): void {
  const length = status === 204 || status === 304 ? {} : { "content-length": String(body.length) };
  response.writeHead(status, { ...headers, ...length });
  response.end(isHead ? undefined : body);
}

function sendCut(response: ServerResponse, { status, headers }: Reply, body: Buffer): void {
  if (body.length < 2) {
    response.destroy();
    return;
  }
  response.writeHead(status, { ...headers, "content-length": String(body.length) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}

async function sendSlowly(response: ServerResponse, { status, headers }: Reply, body: Buffer): Promise<void> {
  response.writeHead(status, {
    ...headers,
    ...(status === 204 ? {} : { "content-length": String(body.length) }),
  });
  const size = Math.ceil(body.length / SLOW_PIECES);
  for (let at = 0; at < body.length && !response.destroyed; at += size) {
    response.write(body.subarray(at, at + size));
    await sleep(SLOW_PAUSE_MS);
  }
  response.end();
}
