import type { Digest } from "../../src/oci/digest.ts";
import {
  blobDataPath,
  layerLinkPath,
  repositoryPath,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../src/registry/paths.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** What can be pulled of a repository by its tags: each with the digest of its manifest. */
export interface PullableTags {
  /** Everything that the manifest needs is linked in the repository and stored. */
  whole: Record<string, string>;
  /** There is a tag, and something lacks. */
  broken: string[];
}

interface References {
  config?: { digest: Digest };
  layers?: { digest: Digest }[];
  blobs?: { digest: Digest }[];
  manifests?: { digest: Digest }[];
}

/** Looks at every link and blob of a repository's tags, as a client that pulls all of them would. */
export async function pullableTags(driver: StorageDriver, repository: string): Promise<PullableTags> {
  const found: PullableTags = { whole: {}, broken: [] };
  const folder = `${repositoryPath(repository)}/_manifests/tags`;
  const names = await driver.list(folder).catch(() => []);
  for (const { path } of names) {
    const tag = path.slice(folder.length + 1);
    const link = await textAt(driver, tagCurrentLinkPath(repository, tag));
    if (link === undefined) continue;
    if (await isWhole(driver, repository, link as Digest)) found.whole[tag] = link;
    else found.broken.push(tag);
  }
  return found;
}

async function isWhole(driver: StorageDriver, repository: string, digest: Digest): Promise<boolean> {
  if ((await textAt(driver, revisionLinkPath(repository, digest))) !== digest) return false;
  const content = await textAt(driver, blobDataPath(digest));
  if (content === undefined) return false;
  const { config, layers = [], blobs = [], manifests = [] }: References = JSON.parse(content);
  for (const blob of [...(config ? [config] : []), ...layers, ...blobs]) {
    if ((await textAt(driver, layerLinkPath(repository, blob.digest))) !== blob.digest) return false;
    if ((await textAt(driver, blobDataPath(blob.digest))) === undefined) return false;
  }
  for (const child of manifests) if (!(await isWhole(driver, repository, child.digest))) return false;
  return true;
}

async function textAt(driver: StorageDriver, path: string): Promise<string | undefined> {
  try {
    return Buffer.from(await driver.get(path)).toString();
  } catch {
    return undefined;
  }
}
