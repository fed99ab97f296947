import { isDigest } from "../../oci/digest.ts";
import type { DigestId, DigestTable } from "../graph/digest-table.ts";
import { LinkList } from "../graph/link-list.ts";

/** How many unknown keys of a repository are remembered by name. */
const UNKNOWN_KEYS_SHOWN = 5;

/** A file where the layout has a folder, so that what may have been in it is not seen. */
const IN_PLACE_OF_REVISIONS = /^_manifests(\/revisions(\/[a-z0-9]+(\/[0-9a-f]+)?)?)?$/;
/** The folder of a revision, whatever is in it. */
const REVISION = /^_manifests\/revisions\/([a-z0-9]+)\/([0-9a-f]+)(\/|$)/;
/** As with revisions, and whatever is in the place of a tag's link. */
const IN_PLACE_OF_TAGS = /^_manifests(\/tags(\/\w[^/]*(\/current(\/.*)?)?)?)?$/;

/** What a scan found of one tag. */
export interface TagEntries {
  /** When `current/link` was written; undefined if there is none, NaN if the listing did not say. */
  currentModifiedMs: number | undefined;
  history: LinkList;
}

/** Everything that a scan found of one repository. No file has been read yet. */
export class RepositoryEntries {
  /** As its path says. */
  readonly name: string;
  /** The name is outside the grammar: everything in it is kept. */
  readonly isForeign: boolean;
  readonly layers = new LinkList();
  readonly revisions = new LinkList();
  readonly tags = new Map<string, TagEntries>();
  /** The first few keys that the layout does not have. */
  readonly unknownKeys: string[] = [];
  unknownKeyCount = 0;
  /** A link below `revisions` that is not understood: there may be manifests that we cannot see. */
  hasUnknownRevisions = false;
  /** Manifests in whose folders below `revisions` such a link is, as far as the folders' names tell. */
  readonly hiddenRevisions = new Set<DigestId>();
  /** A link below `tags` that is not understood: there may be tags that we cannot see. */
  hasUnknownTags = false;

  constructor(name: string, isForeign: boolean) {
    this.name = name;
    this.isForeign = isForeign;
  }

  addTagLink(tag: string, modifiedMs: number | undefined): void {
    this.#tag(tag).currentModifiedMs = modifiedMs ?? Number.NaN;
  }

  addHistoryLink(tag: string, id: DigestId, modifiedMs: number | undefined): void {
    this.#tag(tag).history.push(id, modifiedMs);
  }

  /** @param below - the key without the repository's path and slash */
  addUnknown(path: string, below: string, table: DigestTable): void {
    this.unknownKeyCount++;
    if (this.unknownKeys.length < UNKNOWN_KEYS_SHOWN) this.unknownKeys.push(path);
    const isLink = below.endsWith("/link");
    if (IN_PLACE_OF_REVISIONS.test(below) || (isLink && below.startsWith("_manifests/revisions/"))) {
      this.hasUnknownRevisions = true;
      const [, algorithm, hex] = REVISION.exec(below) ?? [];
      const digest = `${algorithm}:${hex}`;
      if (isDigest(digest)) this.hiddenRevisions.add(table.intern(digest));
    }
    if (IN_PLACE_OF_TAGS.test(below) || (isLink && below.startsWith("_manifests/tags/")))
      this.hasUnknownTags = true;
  }

  #tag(tag: string): TagEntries {
    let entries = this.tags.get(tag);
    if (!entries) {
      entries = { currentModifiedMs: undefined, history: new LinkList() };
      this.tags.set(tag, entries);
    }
    return entries;
  }
}
