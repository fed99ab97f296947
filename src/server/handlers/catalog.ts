import { type Answer, jsonAnswer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { invalidPageSize, nextPageLink, parsePageRequest } from "../pagination.ts";
import type { ServerContext } from "../server-context.ts";

/** Entries of a page where the client does not say, as in the Go registry. */
const DEFAULT_PAGE = 100;

/** Lists the repositories, page by page. */
export async function listCatalog(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const maximum = context.settings.catalogMaxEntries;
  const { limit = Math.min(DEFAULT_PAGE, maximum), last } = parsePageRequest(exchange.query);
  if (limit > maximum) throw invalidPageSize(limit);
  if (limit === 0) return jsonAnswer({ repositories: [] });
  const page = await context.registry.catalog({ limit, ...(last === undefined ? {} : { last }) });
  const answer = jsonAnswer({ repositories: page.names });
  const end = page.names.at(-1);
  if (page.more && end !== undefined) {
    const url = context.urls.urlOf(exchange.client, "v2/_catalog");
    answer.headers["Link"] = nextPageLink(url, { last: end, limit });
  }
  return answer;
}
