import type { StorageDriver } from "../../src/storage/driver.ts";

const REPOSITORIES = "/docker/registry/v2/repositories/";
const LINK =
  /^(.*)\/_(layers|manifests\/revisions|manifests\/tags\/[^/]+\/index)\/(sha\d+)\/([0-9a-f]+)\/link$/;
const TAG = /^(.*)\/_manifests\/tags\/[^/]+\/current\/link$/;

/**
 * Tells which files of a sound store a collection must keep, by brute force over strings: no code is shared with the
 * collector. Every other file must go, except history links of kept manifests, which are among the kept.
 *
 * @param deleteUntagged - roots are the tagged manifests only
 */
export async function filesToKeep(driver: StorageDriver, deleteUntagged: boolean): Promise<Set<string>> {
  const files: string[] = [];
  for await (const { path } of driver.walk("/docker/registry/v2")) files.push(path);
  const read = async (path: string): Promise<string> => Buffer.from(await driver.get(path)).toString();
  const keep = new Set<string>();
  const neededBlobs = new Set<string>();
  const repositories = new Set(
    files.filter((path) => path.startsWith(REPOSITORIES)).map((path) => path.slice(0, path.indexOf("/_"))),
  );
  for (const repository of repositories) {
    const own = files.filter((path) => path.startsWith(`${repository}/_`));
    const revisions: string[] = [];
    const needed = new Set<string>();
    for (const path of own) {
      const link = LINK.exec(path);
      if (link?.[2] === "manifests/revisions") revisions.push(`${link[3]}:${link[4]}`);
      if (!TAG.test(path)) continue;
      keep.add(path);
      needed.add(await read(path));
    }
    if (!deleteUntagged) for (const digest of revisions) needed.add(digest);
    // Once more over all revisions until nothing is added.
    for (let before = -1; before !== needed.size; ) {
      before = needed.size;
      for (const digest of revisions) {
        const [algorithm, hex = ""] = digest.split(":");
        const json = JSON.parse(
          await read(`/docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`),
        );
        if (json.subject && needed.has(json.subject.digest)) needed.add(digest);
        if (!needed.has(digest)) continue;
        for (const item of [...(json.manifests ?? []), ...(json.layers ?? []), json.config]) {
          if (item) needed.add(item.digest);
        }
      }
    }
    for (const digest of needed) neededBlobs.add(digest);
    for (const path of own) {
      const link = LINK.exec(path);
      if (!link) continue;
      const isHistory = link[2]?.endsWith("/index") === true;
      if (needed.has(`${link[3]}:${link[4]}`) || (isHistory && !deleteUntagged)) keep.add(path);
    }
  }
  for (const path of files) {
    const blob = /\/blobs\/(sha\d+)\/..\/([0-9a-f]+)\/data$/.exec(path);
    if (blob && neededBlobs.has(`${blob[1]}:${blob[2]}`)) keep.add(path);
  }
  return keep;
}
