import type { PlainAnswer } from "./connection-exchange.ts";
import { S3ConnectionError, type S3Request, S3RequestError } from "./s3-lane.ts";
import { readErrorBody } from "./xml/read-error.ts";

/**
 * Looks whether an answer is what was asked for.
 *
 * @throws {S3RequestError} if the store has refused, be it with a status of 200
 * @throws {S3ConnectionError} if only a part of the answer has come, or it is none of a store
 */
export function checkAnswer(request: S3Request, answer: PlainAnswer<Uint8Array>): void {
  if (answer.status >= 300) throw refusalOf(answer);
  if (!isAnsweredInXml(request)) return;
  const problem = xmlProblem(answer.body);
  if (problem === "refusal") throw refusalOf(answer);
  if (problem !== undefined) {
    throw new S3ConnectionError(`the answer to ${request.method} is no whole XML document: ${problem}`);
  }
}

/**
 * @returns the refusal that an answer is; a failed connection if it is no store that says that nothing is there: a proxy
 *   whose store is away for the moment answers 404 with a page of its own, which must not pass for a missing object
 */
export function refusalOf(answer: PlainAnswer<Uint8Array>): S3RequestError | S3ConnectionError {
  const { status, headers } = answer;
  const said = readErrorBody(answer.body);
  if (status === 404 && said === undefined && answer.body.length > 0) {
    return new S3ConnectionError("status 404 with a page that is no answer of an S3 server");
  }
  return new S3RequestError({
    status,
    code: said?.code ?? "",
    message: said?.message || `status ${status}`,
    requestId: said?.requestId || (headers["x-amz-request-id"] ?? ""),
    headers,
    details: said?.details ?? {},
  });
}

/**
 * Tells whether S3 answers with a document. Such an answer may begin with a status of 200 and turn into a refusal, as
 * copies and completions do that take long.
 */
function isAnsweredInXml(request: S3Request): boolean {
  const { method, key, query = {}, headers = {} } = request;
  switch (method) {
    case "GET":
      return key === undefined ? !("policy" in query) : "uploadId" in query;
    case "POST":
      return true;
    case "PUT":
      return "x-amz-copy-source" in headers;
    default:
      return false;
  }
}

const HEAD_BYTES = 1024;
const TAIL_BYTES = 256;

/** @returns what keeps the bytes from being a document; undefined if nothing does */
function xmlProblem(body: Uint8Array): string | undefined {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  // A copy that takes long is kept alive by spaces.
  let start = 0;
  while (start < bytes.length && (bytes[start] ?? 0) <= SPACE) start++;
  const head = bytes.toString("latin1", start, start + HEAD_BYTES);
  const root = ROOT.exec(head)?.[1];
  if (root === undefined) return start === bytes.length ? "it is empty" : "it does not begin like one";
  if (root === "Error" || root === "ErrorResponse") return "refusal";
  if (root.toLowerCase() === "html") return "it is a page for people";
  const tail = bytes.toString("latin1", Math.max(start, bytes.length - TAIL_BYTES)).trimEnd();
  const isWhole = tail.endsWith(`</${root}>`) || (tail.endsWith("/>") && EMPTY_ROOT.test(head));
  return isWhole ? undefined : "it breaks off";
}

const SPACE = 0x20;
const ROOT =
  /^(?:\uFEFF|\u00EF\u00BB\u00BF)?(?:<\?[^>]*\?>\s*|<!--[\s\S]*?-->\s*)*<([A-Za-z_][\w.:-]*)[\s/>]/;
const EMPTY_ROOT = /<[A-Za-z_][\w.:-]*(?:\s[^<>]*)?\/>\s*$/;
