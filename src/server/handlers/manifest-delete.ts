import { parseDigest } from "../../oci/digest.ts";
import { isTag } from "../../oci/reference.ts";
import { TagUnknownError } from "../../registry/errors.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { auditOf } from "../audit.ts";
import type { Exchange } from "../exchange.ts";
import { tagRemovalKeys } from "../pin-keys.ts";
import { removeExclusively } from "../remove-exclusively.ts";
import type { ServerContext } from "../server-context.ts";

/** Removes a manifest with the tags that point to it; given a tag, removes that tag only. */
export async function deleteManifest(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const repository = context.registry.repository(name, auditOf(context, exchange));
  if (!reference.includes(":")) {
    if (!isTag(reference)) throw new TagUnknownError(name, reference.slice(0, 200));
    await removeExclusively(context, tagRemovalKeys(name, reference), () =>
      repository.tags.delete(reference),
    );
    context.logger.info("tag deleted", { repository: name, tag: reference });
    return emptyAnswer(202);
  }
  const digest = parseDigest(reference);
  // Nobody can point another tag to it meanwhile, and none of its tags can be moved away.
  const { untagged } = await removeExclusively(context, [`${name}@${digest}`], async () => {
    const tags = await repository.tags.pointingTo(digest);
    const remove = (): ReturnType<typeof repository.manifests.delete> => repository.manifests.delete(digest);
    if (tags.length === 0) return remove();
    const keys = tags.flatMap((tag) => tagRemovalKeys(name, tag));
    return removeExclusively(context, keys, remove);
  });
  context.logger.info("manifest deleted", { repository: name, digest, untagged });
  return emptyAnswer(202);
}
