import type { Pushed, RepositoryTree } from "./registry-tree.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const DAY_MS = 86_400_000;

/** Pushes an image whose config says that it was created so many days ago; nothing, for `undefined`. */
export async function pushDated(
  repository: RepositoryTree,
  tag: string,
  daysAgo: number | undefined,
): Promise<Pushed> {
  const created =
    daysAgo === undefined ? {} : { created: new Date(Date.now() - daysAgo * DAY_MS).toISOString() };
  const text = JSON.stringify({ architecture: "amd64", os: "linux", comment: tag, ...created });
  const config = { ...(await repository.layer(text)), mediaType: CONFIG };
  const layers = [await repository.layer(`layer of ${repository.name}:${tag}`)];
  return repository.manifest({ schemaVersion: 2, mediaType: MANIFEST, config, layers }, { tag });
}
