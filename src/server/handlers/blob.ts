import { type Digest, digestAlgorithm, parseDigest } from "../../oci/digest.ts";
import type { BlobStore } from "../../registry/blob-store.ts";
import { type Answer, type AnswerHeaders, type BodySource, emptyAnswer } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { auditBlobDelete } from "../audit.ts";
import { entityTag, noneMatchNames } from "../entity-tag.ts";
import type { Exchange } from "../exchange.ts";
import { holdAliases } from "../hold-aliases.ts";
import { objectKeys } from "../pin-keys.ts";
import { ifRangeHolds, parseRange } from "../range.ts";
import { removeExclusively } from "../remove-exclusively.ts";
import type { ServerContext } from "../server-context.ts";

/** A year: the content of a digest never changes. */
const IMMUTABLE = "max-age=31536000";
/** An address is good for minutes, and for whoever has it. */
const NOT_KEPT = "no-store";

/**
 * Sends a blob, or the part that a Range header asks for; HEAD tells of the whole. Where clients are to get blobs from the
 * store itself, GET only says where it is: they ask there for the same part. HEAD is never sent there, since the address is
 * signed for GET.
 */
export async function getBlob(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const digest = parseDigest(reference);
  const keys = objectKeys(name, digest);
  const held = exchange.hold(keys);
  const pin = held instanceof Promise ? await held : held;
  const repository = context.registry.repository(name);
  const { blobs } = repository;
  if (digestAlgorithm(digest) !== "sha256") keys.push(...(await holdAliases(pin, repository, [digest])));
  const { sizeBytes } = await blobs.stat(digest);
  exchange.lease(keys);
  const etag = entityTag(digest);
  const headers: AnswerHeaders = {
    "Content-Type": "application/octet-stream",
    "Docker-Content-Digest": digest,
    "Accept-Ranges": "bytes",
    "Cache-Control": IMMUTABLE,
    Etag: etag,
  };
  if (noneMatchNames(exchange.header("if-none-match"), digest)) return emptyAnswer(304, headers);
  if (exchange.method === "HEAD") return { status: 200, headers, lengthBytes: sizeBytes };
  const address = await addressAtStore(context, blobs, digest);
  if (address !== undefined) {
    const place = { Location: address, "Docker-Content-Digest": digest, "Cache-Control": NOT_KEPT };
    return emptyAnswer(307, place);
  }
  const wanted = exchange.header("range");
  const range = ifRangeHolds(exchange.header("if-range"), etag) ? parseRange(wanted, sizeBytes) : undefined;
  if (range === "unsatisfiable") {
    throw new ApiError("RANGE_UNSATISFIABLE", { headers: { "Content-Range": `bytes */${sizeBytes}` } });
  }
  if (range === undefined) {
    const body = await openPart(blobs, digest, { offset: 0, lengthBytes: sizeBytes }, exchange);
    return { status: 200, headers, body };
  }
  headers["Content-Range"] = `bytes ${range.first}-${range.last}/${sizeBytes}`;
  const part = { offset: range.first, lengthBytes: range.last - range.first + 1 };
  return { status: 206, headers, body: await openPart(blobs, digest, part, exchange) };
}

/** @returns undefined if the bytes are to pass through here */
async function addressAtStore(
  { settings: { redirect } }: ServerContext,
  blobs: BlobStore,
  digest: Digest,
): Promise<string | undefined> {
  return redirect.enabled ? blobs.addressOf(digest, redirect.expiryMs) : undefined;
}

async function openPart(
  blobs: BlobStore,
  digest: Digest,
  part: { offset: number; lengthBytes: number },
  exchange: Exchange,
): Promise<Uint8Array | BodySource> {
  if (part.lengthBytes === 0) return new Uint8Array(0);
  const file = await blobs.openFile(digest);
  if (file) return { kind: "file", file, ...part };
  const stream = await blobs.open(digest, part, exchange.signal);
  return { kind: "stream", stream, lengthBytes: part.lengthBytes };
}

/** Takes a blob out of a repository; its bytes stay for the collector. */
export async function deleteBlob(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const digest = parseDigest(reference);
  const { blobs } = context.registry.repository(name);
  await removeExclusively(context, [`${name}@${digest}`], () => blobs.unlink(digest));
  auditBlobDelete(context, exchange, digest);
  context.logger.info("blob deleted", { repository: name, digest });
  return emptyAnswer(202, { "Docker-Content-Digest": digest });
}
