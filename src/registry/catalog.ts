import { isDigest } from "../oci/digest.ts";
import { isRepositoryName, isTag } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { givingWay } from "./give-way.ts";
import { subfolderNamesIfAny } from "./list-folder.ts";
import { REPOSITORIES_ROOT, revisionLinkPath, revisionsPath, tagCurrentLinkPath, tagsPath } from "./paths.ts";
import { fileSizeBytes } from "./small-file.ts";

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
  for await (const name of repositoriesBelow(driver, "", options.last ?? "")) {
    if (!(await hasManifests(driver, name))) continue;
    if (names.length === options.limit) return { names, more: true };
    names.push(name);
  }
  return { names, more: false };
}

/**
 * Tells whether a repository has a manifest or a tag. The Go registry leaves folders behind that hold neither, so links
 * are looked for one by one until there is one.
 */
export async function hasManifests(driver: StorageDriver, repository: string): Promise<boolean> {
  const giveWay = givingWay();
  for await (const path of possibleLinks(driver, repository)) {
    await giveWay();
    if ((await fileSizeBytes(driver, path)) !== undefined) return true;
  }
  return false;
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
  const path = prefix === "" ? REPOSITORIES_ROOT : `${REPOSITORIES_ROOT}/${prefix.slice(0, -1)}`;
  const keys: string[] = [];
  for (const child of await subfolderNamesIfAny(driver, path)) {
    const name = prefix + child;
    if (isRepositoryName(name)) keys.push(name, `${name}/`);
  }
  for (const key of keys.sort()) {
    if (!key.endsWith("/")) {
      if (key > last) yield key;
    } else if (key > last || last.startsWith(key)) {
      yield* repositoriesBelow(driver, key, last);
    }
  }
}
