import { type Digest, parseDigest } from "../../oci/digest.ts";
import { isTag } from "../../oci/reference.ts";
import { ManifestUnknownError, TagUnknownError } from "../../registry/errors.ts";
import type { StoredManifest } from "../../registry/manifest-cache.ts";
import type { Repository } from "../../registry/repository.ts";
import { parseAccept } from "../accept.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { entityTag, noneMatchNames } from "../entity-tag.ts";
import type { Exchange } from "../exchange.ts";
import { negotiateManifest } from "../manifest-negotiation.ts";
import { objectKeys } from "../pin-keys.ts";
import { readManifest } from "../read-manifest.ts";
import type { ServerContext } from "../server-context.ts";

/** A tag that is moved more often than that while it is read once can wait. */
const MAX_MOVES = 5;

/** Sends a manifest, byte for byte as it was pushed. */
export async function getManifest(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const repository = context.registry.repository(name);
  const byTag = !reference.includes(":");
  let stored = byTag
    ? await readTagged(context, exchange, repository, reference)
    : await readPinned(context, exchange, repository, parseDigest(reference));
  const chosen = negotiateManifest(stored.manifest, parseAccept(exchange.header("accept")), byTag);
  if (chosen.kind === "child") stored = await readPinned(context, exchange, repository, chosen.child.digest);
  exchange.lease(objectKeys(name, stored.digest));
  const headers = {
    "Content-Type": stored.mediaType,
    "Docker-Content-Digest": stored.digest,
    Etag: entityTag(stored.digest),
  };
  if (noneMatchNames(exchange.header("if-none-match"), stored.digest)) return emptyAnswer(304, headers);
  return { status: 200, headers, body: stored.bytes };
}

/**
 * Reads what a tag points to. A tag that is moved between the look at its link and the reading of the manifest is looked at
 * again: what it pointed to may be collected by then.
 */
async function readTagged(
  context: ServerContext,
  exchange: Exchange,
  repository: Repository,
  tag: string,
): Promise<StoredManifest> {
  let digest = await resolveTag(repository, tag);
  for (let moves = 0; ; moves++) {
    try {
      return await readPinned(context, exchange, repository, digest);
    } catch (error) {
      if (!(error instanceof ManifestUnknownError) || moves === MAX_MOVES) throw error;
      const now = await resolveTag(repository, tag);
      if (now === digest) throw error;
      digest = now;
    }
  }
}

/** What is outside the grammar of tags cannot exist, which is all that a reader wants to know. */
async function resolveTag(repository: Repository, tag: string): Promise<Digest> {
  if (!isTag(tag)) throw new TagUnknownError(repository.name, tag.slice(0, 200));
  return repository.tags.resolve(tag);
}

async function readPinned(
  context: ServerContext,
  exchange: Exchange,
  repository: Repository,
  digest: Digest,
): Promise<StoredManifest> {
  const pin = exchange.hold(objectKeys(repository.name, digest));
  if (pin instanceof Promise) await pin;
  return readManifest(context, repository, digest);
}
