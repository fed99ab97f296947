import { PathNotFoundError } from "../errors.ts";
import { mapInOrder } from "../lib/map-in-order.ts";
import { isDigest } from "../oci/digest.ts";
import { isRepositoryName, isTag } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { givingWay } from "./give-way.ts";
import { subfolderNamesIfAny } from "./list-folder.ts";
import {
  classifyPath,
  manifestsPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
  revisionsPath,
  tagCurrentLinkPath,
  tagsPath,
} from "./paths.ts";
import { isRemote } from "./remote-store.ts";
import { fileSizeBytes } from "./small-file.ts";

/** So many folders are listed, and repositories looked at, at a time where that takes requests. */
const REQUESTS_AT_ONCE = 32;

/** Which repositories {@link listCatalog} gives. */
export interface CatalogOptions {
  /** Only names behind this one; it need not exist. */
  last?: string;
  limit: number;
}

/** One page of the catalog. */
export interface CatalogPage {
  names: string[];
  /** Whether there are names behind the last one given. */
  more: boolean;
}

/**
 * Lists repositories in byte order of their names, as the distribution spec's "lexical order" is understood, reading
 * only as many folders as the page needs. A repository counts if {@link hasManifests}.
 */
export async function listCatalog(driver: StorageDriver, options: CatalogOptions): Promise<CatalogPage> {
  const names: string[] = [];
  if (options.limit <= 0) return { names, more: false };
  const last = options.last ?? "";
  const repositories = isRemote(driver)
    ? repositoriesAhead(driver, last)
    : repositoriesOneByOne(driver, last);
  for await (const name of repositories) {
    if (names.length === options.limit) return { names, more: true };
    names.push(name);
  }
  return { names, more: false };
}

async function* repositoriesOneByOne(driver: StorageDriver, last: string): AsyncGenerator<string> {
  for await (const name of repositoriesBelow(driver, "", last)) {
    if (await hasManifests(driver, name)) yield name;
  }
}

/**
 * Tells whether a repository has a manifest or a tag. The Go registry leaves folders behind that hold neither, so links
 * are looked for one by one until there is one.
 */
export async function hasManifests(driver: StorageDriver, repository: string): Promise<boolean> {
  if (isRemote(driver)) return hasListedManifests(driver, repository);
  const giveWay = givingWay();
  for await (const path of possibleLinks(driver, repository)) {
    await giveWay();
    if ((await fileSizeBytes(driver, path)) !== undefined) return true;
  }
  return false;
}

/** As {@link hasManifests}, by a listing of files: its first page tells, unless a thousand files there are no links. */
async function hasListedManifests(driver: StorageDriver, repository: string): Promise<boolean> {
  try {
    for await (const { path } of driver.walk(manifestsPath(repository))) {
      const { kind } = classifyPath(path);
      if (kind === "revisionLink" || kind === "tagLink") return true;
    }
    return false;
  } catch (error) {
    if (error instanceof PathNotFoundError) return false;
    throw error;
  }
}

/** Where the revision links and then the tags' links of a repository are, as far as its folders tell. */
async function* possibleLinks(driver: StorageDriver, repository: string): AsyncGenerator<string> {
  const revisions = revisionsPath(repository);
  for (const algorithm of await subfolderNamesIfAny(driver, revisions)) {
    for (const hex of await subfolderNamesIfAny(driver, `${revisions}/${algorithm}`)) {
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) yield revisionLinkPath(repository, digest);
    }
  }
  for (const tag of await subfolderNamesIfAny(driver, tagsPath(repository))) {
    if (isTag(tag)) yield tagCurrentLinkPath(repository, tag);
  }
}

/**
 * The names below a folder that may be repositories, in byte order, from behind `last` on.
 *
 * A listing has `a-b` before `a`, because folders sort as if they ended in `/`. In byte order of names `a` comes first,
 * but what is below it (`a/x`) still comes behind `a-b`. So each folder stands in the order twice: as a name, and as
 * the folder that ends in `/`.
 *
 * @param prefix - empty, or a name that ends in `/`
 */
async function* repositoriesBelow(
  driver: StorageDriver,
  prefix: string,
  last: string,
): AsyncGenerator<string> {
  const keys = await keysBelow(driver, prefix);
  for (const key of keys) {
    if (!key.endsWith("/")) {
      if (key > last) yield key;
    } else if (mayLeadBehind(key, last)) {
      yield* repositoriesBelow(driver, key, last);
    }
  }
}

/** What {@link repositoriesBelow} goes through: names, and the same with a `/` behind. */
async function keysBelow(driver: StorageDriver, prefix: string): Promise<string[]> {
  const path = prefix === "" ? REPOSITORIES_ROOT : `${REPOSITORIES_ROOT}/${prefix.slice(0, -1)}`;
  const keys: string[] = [];
  for (const child of await subfolderNamesIfAny(driver, path)) {
    const name = prefix + child;
    if (isRepositoryName(name)) keys.push(name, `${name}/`);
  }
  return keys.sort();
}

/** Tells whether there may be names behind `last` below a key that ends in `/`. */
function mayLeadBehind(key: string, last: string): boolean {
  return key > last || last.startsWith(key);
}

/**
 * As {@link repositoriesBelow}, of those that have manifests. Some folders are listed, and some repositories looked at,
 * before their turn.
 *
 * @param keys - of the folder; listed if not given
 */
async function* repositoriesAhead(
  driver: StorageDriver,
  last: string,
  keys?: readonly string[],
): AsyncGenerator<string> {
  const wanted = (keys ?? (await keysBelow(driver, ""))).filter((key) =>
    key.endsWith("/") ? mayLeadBehind(key, last) : key > last,
  );
  const looks = mapInOrder(wanted, REQUESTS_AT_ONCE - 1, async (key) =>
    key.endsWith("/")
      ? { keys: await keysBelow(driver, key) }
      : { name: (await hasManifests(driver, key)) ? key : undefined },
  );
  for await (const { name, keys: below = [] } of looks) {
    if (name !== undefined) yield name;
    if (below.length > 0) yield* repositoriesAhead(driver, last, below);
  }
}
