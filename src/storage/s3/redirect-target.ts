import { isIP } from "node:net";
import type { EndpointAddress } from "./endpoint-address.ts";

/**
 * Where a request goes that was answered with 307: S3 sends one while the names of a new bucket are not known everywhere. The
 * bucket is ours and the path our own, whatever the address has of it; and it is good for one request.
 *
 * @param location - of the answer
 * @param from - where the request was sent
 * @returns undefined if that is not the same service, over a line as safe: what it answers would be taken for the bucket's,
 *   and it would get what is written and the session of the key
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingRouting.html
 */
export function redirectTarget(
  location: string | undefined,
  from: EndpointAddress,
  bucket: string,
): EndpointAddress | undefined {
  if (!location || !URL.canParse(location, from.origin)) return undefined;
  const origin = new URL(from.origin);
  const url = new URL(location, from.origin);
  const isAsSafe = url.protocol === "https:" || url.protocol === origin.protocol;
  if (!isAsSafe || url.origin === origin.origin || url.username !== "" || url.password !== "")
    return undefined;
  if (!isSameService(withoutBucket(url.hostname, bucket), withoutBucket(origin.hostname, bucket)))
    return undefined;
  const basePath = url.hostname === withoutBucket(url.hostname, bucket) ? `/${bucket}` : "";
  return { ...from, origin: url.origin, host: url.host, basePath };
}

function withoutBucket(hostname: string, bucket: string): string {
  return hostname.startsWith(`${bucket}.`) ? hostname.slice(bucket.length + 1) : hostname;
}

/** The names of S3 itself; those of other buckets and of other services there are somebody else's. */
const AWS = /^s3(?:-[a-z0-9-]+)?(?:\.dualstack)?(?:\.[a-z]+(?:-[a-z]+)+-\d+)?\.(amazonaws\.com(?:\.cn)?)$/;

function isSameService(to: string, from: string): boolean {
  if (to === from) return true;
  const [, domain] = AWS.exec(from) ?? [];
  if (domain !== undefined) return AWS.exec(to)?.[1] === domain;
  return isIP(from) === 0 && to.endsWith(`.${from}`);
}
