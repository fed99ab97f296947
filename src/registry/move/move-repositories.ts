import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { hasNaming } from "../../storage/naming-abilities.ts";
import { checkCopy } from "./check-copy.ts";
import { type CopyLinksOptions, copyLinks } from "./copy-links.ts";
import { removeLinks } from "./remove-links.ts";
import { hasLinks, LINK_STAGES, type RepositoryLinks, readRepositoryLinks } from "./repository-links.ts";

/** So many repositories are worked on at a time; each has links that are worked on at a time. */
const REPOSITORIES_AT_ONCE = 4;

/** A repository and the name that it is to have. */
export interface MovedName {
  from: string;
  to: string;
}

/** Options of {@link moveRepositories}. */
export interface MoveRepositoriesOptions extends CopyLinksOptions {
  /** Called when all that the old names have is there under the new ones, before anything of the old ones goes. */
  beforeRemoval?: (() => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
}

interface Move {
  source: RepositoryLinks;
  target: RepositoryLinks;
}

/**
 * Gives repositories other names. At every moment one of both names of each has all that the old one had, and the one that has
 * not has no tag that it did not have before: links come to the new name before the tags that need them, and go from the
 * old one after its tags. So it may be stopped anywhere; done again it does the rest. Each step is done for all of them
 * before the next one is, since a disk makes many names durable in little more time than one.
 *
 * No blob is read: a link is a file with nothing but a digest.
 *
 * @returns how many of them had links under the old name
 * @throws {RegistryStateError} if somebody else changes one meanwhile
 */
export async function moveRepositories(
  names: readonly MovedName[],
  options: MoveRepositoriesOptions,
): Promise<number> {
  const { driver, concurrency, signal, beforeRemoval, beforeLink } = options;
  const moves: Move[] = [];
  await forEachConcurrently(names, REPOSITORIES_AT_ONCE, async ({ from, to }) => {
    const [source, target] = await Promise.all([
      readRepositoryLinks(driver, from, signal),
      readRepositoryLinks(driver, to, signal),
    ]);
    moves.push({ source, target });
  });
  const unsettled = new Set<string>();
  for (const stage of LINK_STAGES) {
    // No tag must outlive a power cut that what it needs does not.
    if (stage === "tags" && hasNaming(driver)) await driver.settleNames(unsettled);
    await forEachConcurrently(moves, REPOSITORIES_AT_ONCE, ({ source, target }) =>
      copyLinks(source, target, stage, unsettled, options),
    );
  }
  await forEachConcurrently(moves, REPOSITORIES_AT_ONCE, async ({ source, target }) => {
    if (hasLinks(source))
      await checkCopy(driver, source, await readRepositoryLinks(driver, target.name, signal), concurrency);
  });
  await beforeRemoval?.();
  const sources = moves.map(({ source }) => source);
  await removeLinks(sources, { driver, concurrency, beforeBatch: beforeLink });
  return sources.filter(hasLinks).length;
}
