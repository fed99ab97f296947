import { checkCopy } from "./check-copy.ts";
import { type CopyLinksOptions, copyLinks } from "./copy-links.ts";
import { removeLinks } from "./remove-links.ts";
import { hasLinks, LINK_STAGES, type LinkStage, readRepositoryLinks } from "./repository-links.ts";

/** A repository and the name that it is to have. */
export interface MovedName {
  from: string;
  to: string;
}

/** Options of {@link moveRepository}. */
export interface MoveRepositoryOptions extends CopyLinksOptions {
  /** Called when all that the old name has is there under the new one, before anything of the old one goes. */
  beforeRemoval?: (() => Promise<void>) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Gives a repository another name. At every moment one of both names has all that the old one had, and the one that has not
 * has no tag that it did not have before: links come to the new name before the tags that need them, and go from the old one
 * after its tags. So it may be stopped anywhere; done again it does the rest.
 *
 * No blob is read: a link is a file with nothing but a digest.
 *
 * @returns how many links of each kind were found under the old name
 * @throws {RegistryStateError} if somebody else changes the repository meanwhile
 */
export async function moveRepository(
  { from, to }: MovedName,
  options: MoveRepositoryOptions,
): Promise<Record<LinkStage, number>> {
  const { driver, concurrency, signal, beforeRemoval, beforeLink } = options;
  const [source, target] = await Promise.all([
    readRepositoryLinks(driver, from, signal),
    readRepositoryLinks(driver, to, signal),
  ]);
  const counts = { layers: 0, revisions: 0, history: 0, tags: 0 };
  if (hasLinks(source)) {
    for (const stage of LINK_STAGES) {
      counts[stage] = source.links[stage].length;
      await copyLinks(source, target, stage, options);
    }
    await checkCopy(driver, source, await readRepositoryLinks(driver, to, signal), concurrency);
    await beforeRemoval?.();
  }
  await removeLinks(source, { driver, concurrency, beforeBatch: beforeLink });
  return counts;
}
