import { StorageUnavailableError } from "../../errors.ts";
import { type Digest, type DigestAlgorithm, isDigestAlgorithm, parseDigest } from "../../oci/digest.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { declaredLength, uploadChunks } from "../body.ts";
import type { Exchange } from "../exchange.ts";
import { holdAliases } from "../hold-aliases.ts";
import { objectKeys } from "../pin-keys.ts";
import type { ServerContext } from "../server-context.ts";
import { blobHeaders, uploadHeaders } from "./upload-location.ts";

/** Begins an upload, takes a whole blob in one request, or mounts a blob that another repository has. */
export async function startUpload(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { query } = exchange;
  const mount = query.get("mount");
  if (mount) {
    const mounted = await mountBlob(context, exchange, parseDigest(mount), query.get("from"));
    if (mounted) return mounted;
  }
  const digest = query.get("digest");
  if (digest) return takeWholeBlob(context, exchange, parseDigest(digest));
  const upload = await context.registry
    .repository(exchange.route.name)
    .uploads.start(requestedAlgorithm(query.get("digest-algorithm")));
  const headers = uploadHeaders(context, exchange, upload);
  await upload.close();
  return emptyAnswer(202, headers);
}

/** @returns undefined if the blob cannot be mounted, so that it has to be uploaded */
async function mountBlob(
  context: ServerContext,
  exchange: Exchange,
  digest: Digest,
  from: string | null,
): Promise<Answer | undefined> {
  const { name } = exchange.route;
  const source = from !== null && isRepositoryName(from) ? from : undefined;
  if (from && source === undefined) return undefined;
  // Where everybody may read everything the source need not be named; elsewhere that would give away what others have.
  if (source === undefined && context.access !== undefined) return undefined;
  const keys = objectKeys(name, digest);
  const held = exchange.hold(source === undefined ? keys : [...keys, `${source}@${digest}`]);
  const pin = held instanceof Promise ? await held : held;
  const { blobs } = context.registry.repository(name);
  if (source !== undefined) {
    keys.push(...(await holdAliases(pin, context.registry.repository(source), [digest])));
  }
  const mounted =
    source === undefined
      ? await blobs.linkIfStored(digest)
      : await blobs.mountFrom(context.registry.repository(source), digest);
  if (mounted === undefined) return undefined;
  exchange.lease(keys);
  return emptyAnswer(201, blobHeaders(context, exchange, digest));
}

async function takeWholeBlob(context: ServerContext, exchange: Exchange, digest: Digest): Promise<Answer> {
  const { name } = exchange.route;
  const keys = objectKeys(name, digest);
  const pin = exchange.hold(keys);
  if (pin instanceof Promise) await pin;
  const whole = { digest, sizeBytes: declaredLength(exchange) };
  const upload = await context.registry.repository(name).uploads.startWhole(whole);
  try {
    const chunks = uploadChunks(exchange, context.limits.uploadIdleTimeoutMs);
    await upload.append(chunks, exchange.signal, whole);
    await upload.finish(digest);
  } catch (error) {
    // No client knows this upload, so nobody can go on with it.
    const cancelled = upload.cancel().catch(() => undefined);
    // A store that does not answer would keep the client waiting once more; what is left is purged later.
    if (!(error instanceof StorageUnavailableError)) await cancelled;
    throw error;
  }
  exchange.lease(keys);
  return emptyAnswer(201, blobHeaders(context, exchange, digest));
}

function requestedAlgorithm(text: string | null): DigestAlgorithm {
  if (text === null || text === "") return "sha256";
  if (isDigestAlgorithm(text)) return text;
  const reason = `digest-algorithm ${JSON.stringify(text.slice(0, 50))} is not supported, sha256 and sha512 are`;
  throw new ApiError("DIGEST_INVALID", { detail: { reason } });
}
