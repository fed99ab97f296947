import { PathNotFoundError, RegistryStateError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { isDigest } from "../../oci/digest.ts";
import { canSetTimes } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { hasNaming } from "../../storage/naming-abilities.ts";
import { moveLink } from "../link.ts";
import { classifyPath, parentOf, repositoryPath } from "../paths.ts";
import { readSmallFile, statSmallFile } from "../small-file.ts";
import { keepTagHistory } from "../tag-history.ts";
import type { LinkFile, LinkStage, RepositoryLinks } from "./repository-links.ts";

/** No link is longer; what is, is none, and no move takes megabytes along unseen. */
const MAX_LINK_BYTES = 4096;

/** How links are copied. */
export interface CopyLinksOptions {
  driver: StorageDriver;
  concurrency: number;
  /** Told when a link was last written, where the store cannot be told so itself. */
  noteTime?: ((path: string, modifiedMs: number) => void) | undefined;
  /** Called before each link. @throws what ends the copying */
  beforeLink?: (() => void) | undefined;
}

/**
 * Gives the links of one stage of a repository to another name as well. What is there under that name already stays. On a
 * disk that can do so a link gets a second name, for nothing in it is ever changed; but those of tags are written anew.
 *
 * @param unsettled - takes the folders whose names are not durable yet
 */
export async function copyLinks(
  from: RepositoryLinks,
  to: RepositoryLinks,
  stage: LinkStage,
  unsettled: Set<string>,
  options: CopyLinksOptions,
): Promise<void> {
  const { driver, concurrency, beforeLink } = options;
  const present = new Set(to.links[stage].map(({ below }) => below));
  const missing = from.links[stage].filter(({ below }) => !present.has(below));
  if (missing.length === 0) return;
  beforeLink?.();
  const [source, target] = [repositoryPath(from.name), repositoryPath(to.name)];
  let left = missing;
  if (stage !== "tags" && hasNaming(driver)) {
    const names = missing.map(({ below }) => ({ from: `${source}/${below}`, to: `${target}/${below}` }));
    const others = new Set((await driver.linkFiles(names)).map((name) => name.to));
    left = missing.filter(({ below }) => others.has(`${target}/${below}`));
    for (const name of names) if (!others.has(name.to)) unsettled.add(parentOf(name.to));
  }
  await forEachConcurrently(left, concurrency, async (link) => {
    beforeLink?.();
    await copyLink(`${source}/${link.below}`, `${target}/${link.below}`, link, stage, options);
  });
}

async function copyLink(
  source: string,
  target: string,
  link: LinkFile,
  stage: LinkStage,
  { driver, noteTime }: CopyLinksOptions,
): Promise<void> {
  const modifiedMs = link.modifiedMs ?? (await statSmallFile(driver, source))?.modifiedMs;
  const content = await readSmallFile(driver, source, MAX_LINK_BYTES);
  if (content === undefined) throw removedMeanwhile(source);
  const setTime = async (path: string): Promise<void> => {
    if (modifiedMs === undefined) return;
    if (!canSetTimes(driver)) return noteTime?.(path, modifiedMs);
    try {
      await driver.setModified(path, modifiedMs);
    } catch (error) {
      throw error instanceof PathNotFoundError ? removedMeanwhile(path, error) : error;
    }
  };
  const text = Buffer.from(content).toString("latin1");
  if (stage !== "tags" || !isDigest(text)) await driver.put(target, content);
  else {
    await moveLink(driver, target, text);
    const entry = classifyPath(target);
    if (entry.kind === "tagLink") {
      const history = await keepTagHistory(driver, entry.repository, entry.tag, text);
      if (history !== undefined) await setTime(history);
    }
  }
  await setTime(target);
}

function removedMeanwhile(path: string, cause?: unknown): RegistryStateError {
  return new RegistryStateError(`${path} was removed while it was moved`, {
    cause,
    hint: "make sure that nobody else changes the repository, then run the same command again",
  });
}
