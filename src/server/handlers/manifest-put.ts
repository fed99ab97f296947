import { type Digest, digestAlgorithm, digestOf, parseDigest } from "../../oci/digest.ts";
import { type Manifest, parseManifest } from "../../oci/manifest.ts";
import { checkTag } from "../../oci/reference.ts";
import { type Answer, type AnswerHeaders, emptyAnswer } from "../answer.ts";
import { ApiError } from "../api-error.ts";
import { auditOf } from "../audit.ts";
import { readSmallBody } from "../body.ts";
import type { Exchange } from "../exchange.ts";
import { pinClosure } from "../manifest-closure.ts";
import { validateReferences } from "../manifest-references.ts";
import { mediaTypeOf } from "../media-type.ts";
import type { ServerContext } from "../server-context.ts";
import { storePinned } from "../store-pinned.ts";

/** Under what a manifest is to be stored. */
interface PutTarget {
  /** The digest that the client claims; undefined: whatever its SHA-256 is. */
  digest: Digest | undefined;
  tags: string[];
}

/** Stores a manifest as it comes, after everything that it refers to has been found. */
export async function putManifest(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const target = readTarget(context, exchange);
  const { maxManifestBytes: maxBytes, manifestBodyTimeoutMs: timeoutMs } = context.limits;
  const body = await readSmallBody(exchange, { maxBytes, timeoutMs, budget: context.manifestMemory });
  try {
    return await storeManifest(context, exchange, target, body.bytes);
  } finally {
    body.release();
  }
}

async function storeManifest(
  context: ServerContext,
  exchange: Exchange,
  target: PutTarget,
  bytes: Uint8Array,
): Promise<Answer> {
  const { name } = exchange.route;
  const manifest = parseManifest(bytes, mediaTypeOf(exchange.header("content-type")));
  refuseSchema1(manifest);
  const digest = digestOf(bytes, target.digest === undefined ? "sha256" : digestAlgorithm(target.digest));
  if (target.digest !== undefined && target.digest !== digest) {
    throw new ApiError("DIGEST_INVALID", { detail: { expected: target.digest, actual: digest } });
  }
  const repository = context.registry.repository(name, auditOf(context, exchange));
  const keys = await pinClosure(context, exchange, repository, digest, manifest);
  await validateReferences(repository, manifest);
  const { tags } = target;
  await storePinned(context, exchange, { repository, keys, input: { bytes, digest, manifest, tags } });
  const headers: AnswerHeaders = {
    Location: context.urls.urlOf(exchange.client, `v2/${name}/manifests/${digest}`),
    "Docker-Content-Digest": digest,
  };
  if (manifest.subject) headers["OCI-Subject"] = manifest.subject.digest;
  if (exchange.query.has("tag")) headers["OCI-Tag"] = target.tags;
  return emptyAnswer(201, headers);
}

/** All of it can be known, and refused, before the body is read. */
function readTarget(context: ServerContext, exchange: Exchange): PutTarget {
  const { reference } = exchange.route;
  if (!reference.includes(":")) {
    checkTag(reference);
    const claimed = exchange.query.get("digest");
    return { digest: claimed ? parseDigest(claimed) : undefined, tags: [reference] };
  }
  const digest = parseDigest(reference);
  const tags = [...new Set(exchange.query.getAll("tag"))];
  if (tags.length > context.limits.maxTagParameters) {
    throw new ApiError("TAG_INVALID", {
      detail: { reason: `${tags.length} tags, at most ${context.limits.maxTagParameters} are allowed` },
    });
  }
  for (const tag of tags) checkTag(tag);
  return { digest, tags };
}

/** Clients have not made these since 2017, and the Go registry refuses them too; stored ones are still served. */
function refuseSchema1(manifest: Manifest): void {
  if (manifest.kind !== "schema1") return;
  const reason = "manifests of schema version 1 are not accepted, push version 2";
  throw new ApiError("MANIFEST_INVALID", { detail: { reason } });
}
