import type { DigestId } from "../../registry/graph/digest-table.ts";
import { layerLinkPath, REPOSITORIES_ROOT, tagHistoryLinkPath } from "../../registry/paths.ts";
import { isRemote } from "../../registry/remote-store.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { statSmallFile } from "../../registry/small-file.ts";
import type { RepositoryLinks } from "./repository-links.ts";
import type { Finding } from "./verify-report.ts";
import type { VerifyState } from "./verify-state.ts";

/** So many tags are named. */
const TAGS_NAMED = 5;
/** A file that a registry writes before it renames it to a link. */
const TEMPORARY_FILE = /\.tmp$|\/\.[^/]+$/;

/**
 * Adds what is odd in a repository and breaks nothing, one finding for each kind; and tags that cannot be understood
 * and layer links that lead to nothing, which are problems.
 *
 * @param tell - called with each finding
 */
export async function addRepositoryNotices(
  state: VerifyState,
  entries: RepositoryEntries,
  links: RepositoryLinks,
  tell: (finding: Finding | undefined) => void,
): Promise<void> {
  const { findings } = state;
  const { name } = entries;
  const unknownTag = unknownTagProblem(entries);
  if (unknownTag) tell(findings.add("unknown-tag", { message: `repository ${name} ${unknownTag}` }));
  if (entries.unknownKeyCount > 0) {
    tell(findings.add("unknown-files", { message: describeUnknownFiles(entries) }));
  }
  const dangling = await danglingLayers(state, entries, links);
  if (dangling.count > 0) {
    const message = `${dangling.count} layer links of repository ${name} lead to nothing; no manifest needs them, and garbage-collect removes them`;
    tell(findings.add("dangling-layer-link", { message, path: dangling.path }));
  }
  const history = danglingHistory(state, entries);
  if (history.count > 0) {
    const message = `${history.count} tag-history links of repository ${name} lead to manifests that it does not have`;
    tell(findings.add("dangling-history-link", { message, path: history.path }));
  }
  const withoutLink = [...entries.tags]
    .filter(([tag, entry]) => entry.currentModifiedMs === undefined && !links.tagTargets.has(tag))
    .map(([tag]) => tag);
  if (withoutLink.length > 0) {
    const more = withoutLink.length > TAGS_NAMED ? ", …" : "";
    const named = withoutLink.slice(0, TAGS_NAMED).join(", ");
    const message = `${withoutLink.length} tags of repository ${name} have a history and point to nothing: ${named}${more}`;
    tell(findings.add("tag-without-link", { message }));
  }
}

/** Counts the layer links that no manifest needs, and of these the ones without a blob. */
async function danglingLayers(
  { blobs, driver, onDamage, sets, table, unneeded, giveWay }: VerifyState,
  { name, layers }: RepositoryEntries,
  links: RepositoryLinks,
): Promise<{ count: number; path: string }> {
  const dangling = { count: 0, path: "" };
  if (isRemote(driver)) {
    const unneededIds = [...layers.ids()].filter((id) => !sets.referenced.has(id) && sets.layers.has(id));
    await blobs.ask(unneededIds.map((id) => links.aliases.get(id) ?? id));
  }
  for (const id of layers.ids()) {
    if (sets.referenced.has(id) || !sets.layers.has(id)) continue;
    await giveWay();
    unneeded.layerLinks++;
    if (links.brokenLayers.has(id) || (await blobs.size(links.aliases.get(id) ?? id)) !== "missing") continue;
    const path = layerLinkPath(name, table.digestOf(id));
    // A collection that is going on removes the link before the blob.
    if ((await statSmallFile(driver, path)) === undefined) continue;
    onDamage({ kind: "dangling-layer-link", repository: name, digest: table.digestOf(id), path });
    if (dangling.count++ === 0) dangling.path = path;
  }
  return dangling;
}

function danglingHistory(
  { onDamage, sets, table }: VerifyState,
  { name, tags }: RepositoryEntries,
): { count: number; path: string } {
  const dangling = { count: 0, path: "" };
  const count = (tag: string, id: DigestId): void => {
    const digest = table.digestOf(id);
    const path = tagHistoryLinkPath(name, tag, digest);
    onDamage({ kind: "dangling-history-link", repository: name, tag, digest, path });
    if (dangling.count++ === 0) dangling.path = path;
  };
  for (const [tag, { history }] of tags) {
    for (const id of history.ids()) if (!sets.revisions.has(id)) count(tag, id);
  }
  return dangling;
}

/** A tag that the Go registry lists, and of which nobody can tell what it points to. */
function unknownTagProblem(entries: RepositoryEntries): string | undefined {
  if (!entries.hasUnknownTags) return undefined;
  const tags = `${REPOSITORIES_ROOT}/${entries.name}/_manifests/`;
  const inTags = entries.unknownKeys.filter((path) => path.startsWith(tags));
  const sawAll = entries.unknownKeys.length === entries.unknownKeyCount;
  // What a killed push leaves beside the link hides nothing.
  if (sawAll && inTags.length > 0 && inTags.every((path) => TEMPORARY_FILE.test(path))) return undefined;
  const shown =
    inTags.length > 0 ? `: ${inTags.join(", ")}` : " (there is an empty folder instead of a link)";
  return `has tags whose link is not understood${shown}`;
}

function describeUnknownFiles({ name, unknownKeys, unknownKeyCount }: RepositoryEntries): string {
  const more = unknownKeyCount > unknownKeys.length ? ", …" : "";
  return `${unknownKeyCount} files in repository ${name} are not known: ${unknownKeys.join(", ")}${more}`;
}
