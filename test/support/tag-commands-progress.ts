import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../src/oci/digest.ts";
import {
  blobDataPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  tagPath,
} from "../../src/registry/paths.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { Move, TagCommandsWorld } from "./tag-commands-world.ts";
import type { ModelledRepository } from "./tag-model.ts";

/** How far a command has come, as far as the store tells. To be made before it starts. */
export interface Progress {
  /** It is time to kill it. */
  isTime: () => boolean;
  /** It has done something, and not all. */
  isPartial: () => boolean;
}

/** Nothing is to be seen. */
const NO_PROGRESS: Progress = { isTime: () => false, isPartial: () => false };

/** Looks at a removal of tags: the links go in its first half, folders in the second. */
export function removalProgress(
  rootDirectory: string,
  removed: readonly { name: string; tags: readonly string[] }[],
  random: SeededRandom,
): Progress {
  const at = (path: string): string => join(rootDirectory, path);
  const tags = removed.flatMap(({ name, tags: each }) =>
    each
      .map((tag) => ({ folder: at(tagPath(name, tag)), link: at(tagCurrentLinkPath(name, tag)) }))
      .filter(({ link }) => existsSync(link)),
  );
  if (tags.length === 0) return NO_PROGRESS;
  const watched = random.pick(tags);
  const path = random.chance(0.5) ? watched.link : watched.folder;
  return {
    isTime: () => !existsSync(path),
    isPartial() {
      const left = tags.filter(({ folder }) => existsSync(folder));
      return (left.length > 0 && left.length < tags.length) || left.some(({ link }) => !existsSync(link));
    },
  };
}

/** Looks at a move: a tag comes to the new name, or goes from the old one; or links come that it needs. */
export function moveProgress(world: TagCommandsWorld, { from, to }: Move, random: SeededRandom): Progress {
  const moved = world.model.repositories
    .filter(({ at }) => at.some((name) => isBelow(name, from)))
    .flatMap(({ at, staying }) => {
      const name = at.find((each) => isBelow(each, from)) ?? from;
      return [...staying].map(([tag, digest]) => ({
        old: name,
        name: `${to}${name.slice(from.length)}`,
        tag,
        digest,
      }));
    });
  if (moved.length === 0) return NO_PROGRESS;
  const { old, name, tag, digest } = random.pick(moved);
  const exists = (path: string): boolean => existsSync(join(world.rootDirectory, path));
  const links = { before: world.linksBelow(to), from: world.linksBelow(from) };
  const isTime = random.pick([
    () => exists(revisionLinkPath(name, digest)),
    () => exists(tagCurrentLinkPath(name, tag)),
    () => !exists(tagCurrentLinkPath(old, tag)),
    () => !exists(revisionLinkPath(old, digest)),
  ]);
  return {
    // It may be so already if this one finishes another.
    isTime: isTime()
      ? () => world.linksBelow(from) !== links.from || world.linksBelow(to) !== links.before
      : isTime,
    isPartial() {
      const left = world.linksBelow(from);
      return left > 0 && (left < links.from || world.linksBelow(to) > links.before);
    },
  };
}

/** Looks at a collection. */
export function collectionProgress(world: TagCommandsWorld, random: SeededRandom): Progress {
  const { repositories } = world.model;
  const needed = new Set(
    repositories.flatMap(({ at, staying, moving }) => [
      ...staying.values(),
      ...[...moving.values()].flatMap((each) => [...each]),
      ...at.flatMap((name) => [...world.model.tagsOf(name).values()]),
    ]),
  );
  const paths = repositories
    .flatMap((repository) => unneeded(repository, needed))
    .map((path) => join(world.rootDirectory, path))
    .filter((path) => existsSync(path));
  if (paths.length === 0) return NO_PROGRESS;
  const path = random.pick(paths);
  return {
    isTime: () => !existsSync(path),
    isPartial() {
      const left = paths.filter((each) => existsSync(each)).length;
      return left > 0 && left < paths.length;
    },
  };
}

/** Looks at a tag that is set. */
export function settingProgress(rootDirectory: string, name: string, tag: string, digest: Digest): Progress {
  const history = join(rootDirectory, tagHistoryLinkPath(name, tag, digest));
  const link = join(rootDirectory, tagCurrentLinkPath(name, tag));
  if (existsSync(history)) return NO_PROGRESS;
  return {
    isTime: () => existsSync(history),
    isPartial: () => existsSync(history) && (!existsSync(link) || readFileSync(link, "utf8") !== digest),
  };
}

function unneeded({ at, going }: ModelledRepository, needed: ReadonlySet<string>): string[] {
  const digests = [...new Set(going.values())].filter((digest) => !needed.has(digest));
  return digests.flatMap((digest) => [
    blobDataPath(digest),
    ...at.map((name) => revisionLinkPath(name, digest)),
  ]);
}

function isBelow(name: string, top: string): boolean {
  return name === top || name.startsWith(`${top}/`);
}
