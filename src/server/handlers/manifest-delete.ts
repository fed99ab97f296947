import { parseDigest } from "../../oci/digest.ts";
import { isTag } from "../../oci/reference.ts";
import { TagUnknownError } from "../../registry/errors.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import type { ServerContext } from "../server-context.ts";

/** Removes a manifest with the tags that point to it; given a tag, removes that tag only. */
export async function deleteManifest(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const repository = context.registry.repository(name);
  if (!reference.includes(":")) {
    if (!isTag(reference)) throw new TagUnknownError(name, reference.slice(0, 200));
    await repository.tags.delete(reference);
    context.logger.info("tag deleted", { repository: name, tag: reference });
    return emptyAnswer(202);
  }
  const digest = parseDigest(reference);
  const { untagged } = await repository.manifests.delete(digest);
  context.logger.info("manifest deleted", { repository: name, digest, untagged });
  return emptyAnswer(202);
}
