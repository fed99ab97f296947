import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { mapInOrder } from "../../lib/map-in-order.ts";
import { isParked } from "../../registry/parked.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { type LinkTexts, linkPathsOf, readLinkText } from "./link-texts.ts";
import type { VerifyState } from "./verify-state.ts";

/** Links of so many repositories are read ahead only as long as there are no more of them together. */
const LINKS_AHEAD = 20_000;

/** A repository and, where that was done ahead, what its links say. */
export interface ReadRepository {
  entries: RepositoryEntries;
  texts?: LinkTexts;
}

/**
 * Gives repositories as they are scanned. Where each file is a request, links and manifests of several are read before
 * their turn, as many at a time as the driver lets through.
 */
export async function* readAhead(
  state: VerifyState,
  repositories: AsyncIterable<RepositoryEntries>,
): AsyncGenerator<ReadRepository> {
  if (!isRemote(state.driver)) {
    for await (const entries of repositories) yield { entries };
    return;
  }
  yield* mapInOrder(repositories, state.concurrency, (entries) => read(state, entries), {
    weightOf: countLinks,
    maxWeight: LINKS_AHEAD,
  });
}

async function read(state: VerifyState, entries: RepositoryEntries): Promise<ReadRepository> {
  const { driver, table, manifests, concurrency, giveWay } = state;
  if (entries.isForeign && !isParked(entries.name)) return { entries };
  const texts: LinkTexts = new Map();
  await forEachConcurrently(linkPathsOf(entries, table), concurrency, async (path) => {
    await giveWay();
    texts.set(path, await readLinkText(driver, path));
  });
  await forEachConcurrently(entries.revisions.ids(), concurrency, async (id) => {
    await giveWay();
    await manifests.load(id);
  });
  return { entries, texts };
}

function countLinks({ layers, revisions, tags }: RepositoryEntries): number {
  let count = layers.length + revisions.length + tags.size;
  for (const { history } of tags.values()) count += history.length;
  return count;
}
