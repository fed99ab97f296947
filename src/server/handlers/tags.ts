import { checkTag } from "../../oci/reference.ts";
import { RepositoryUnknownError } from "../../registry/errors.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../answer.ts";
import { auditOf } from "../audit.ts";
import type { Exchange } from "../exchange.ts";
import { nextPageLink, parsePageRequest } from "../pagination.ts";
import { tagRemovalKeys } from "../pin-keys.ts";
import { removeExclusively } from "../remove-exclusively.ts";
import type { ServerContext } from "../server-context.ts";

/** Lists a repository's tags: all of them, or a page if the client gives a number. */
export async function listTags(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name } = exchange.route;
  const request = parsePageRequest(exchange.query);
  const repository = context.registry.repository(name);
  if (request.limit === 0) {
    if (!(await repository.exists())) throw new RepositoryUnknownError(name);
    return jsonAnswer({ name, tags: [] });
  }
  const limit =
    request.limit === undefined ? undefined : Math.min(request.limit, context.settings.tagsMaxTags);
  const page = await repository.tags.list({
    ...(request.last === undefined ? {} : { last: request.last }),
    ...(limit === undefined ? {} : { limit }),
  });
  const answer = jsonAnswer({ name, tags: page.tags });
  const end = page.tags.at(-1);
  if (page.more && end !== undefined && limit !== undefined) {
    const url = context.urls.urlOf(exchange.client, `v2/${name}/tags/list`);
    answer.headers["Link"] = nextPageLink(url, { last: end, limit });
  }
  return answer;
}

/**
 * Removes a tag, and nothing else: GitLab's call, which its own code uses.
 * @see https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/spec/docker/v2/api.md
 */
export async function deleteTag(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference: tag } = exchange.route;
  checkTag(tag);
  const { tags } = context.registry.repository(name, auditOf(context, exchange));
  await removeExclusively(context, tagRemovalKeys(name, tag), () => tags.delete(tag));
  context.logger.info("tag deleted", { repository: name, tag });
  return emptyAnswer(202);
}
