import type { PlainAnswer } from "./connection-exchange.ts";
import { S3ConnectionError, type S3Request } from "./s3-lane.ts";
import { checkAnswer } from "./send-check.ts";
import { readListing } from "./xml/read-listing.ts";

/** What S3 servers put into all their answers, and proxies into none of their own, but CloudFront; the last two are Google's. */
const MARKS = /^(?:x-amz-(?!cf-)|x-goog-|x-guploader-)/;

/**
 * Tells whether an answer that nothing is there may be that of a proxy whose store is away for the moment. S3 says in the
 * body what is missing, but to HEAD, where nothing but its headers tells who has answered. Some servers have none of them.
 */
export function isDoubtfulMiss(answer: PlainAnswer<Uint8Array>): boolean {
  if (answer.status !== 404 || answer.body.length > 0) return false;
  for (const name in answer.headers) if (MARKS.test(name)) return false;
  return true;
}

/**
 * @returns the listing that tells whether an object is there
 * @throws {S3ConnectionError} if none can tell: S3 answers such a request with a body
 */
export function listingFor(request: S3Request): S3Request {
  const { method, key, query = {}, signal } = request;
  if (key === undefined || (method !== "HEAD" && method !== "GET") || "uploadId" in query)
    throw noStore(request);
  return {
    method: "GET",
    query: { "list-type": "2", "encoding-type": "url", "max-keys": "1", prefix: key },
    signal,
  };
}

/** @throws {S3ConnectionError} if the listing has the object, or is none */
export function confirmMiss(request: S3Request, listing: S3Request, answer: PlainAnswer<Uint8Array>): void {
  if (isDoubtfulMiss(answer)) throw noStore(listing);
  checkAnswer(listing, answer);
  if (readListing(answer.body).objects.some(({ key }) => key === request.key))
    throw new S3ConnectionError(`status 404 to ${request.method} for an object that a listing has`);
}

function noStore({ method }: S3Request): S3ConnectionError {
  return new S3ConnectionError(`status 404 to ${method} without anything that an S3 server would say`);
}
