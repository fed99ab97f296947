import { REPOSITORIES_ROOT } from "../../registry/paths.ts";
import { CountedNames } from "../../registry/plan/counted-names.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import type { FindingLog } from "./finding-log.ts";

/** So many are told by name. */
const SHOWN = 5;
/** So many tags are remembered. */
const TAGS_KEPT = 100_000;
const TAG_FOLDER = /^(.+)\/_manifests\/tags\/([^/]+)(?:\/current)?$/;

/** What a scan finds that belongs to no file of a repository: files elsewhere, and tags that are empty folders. */
export class LooseEnds {
  readonly #emptyTags = new Map<string, Set<string>>();
  readonly #strays = new CountedNames(SHOWN);
  readonly #folderMarkers = new CountedNames(SHOWN);
  #emptyTagCount = 0;

  /** Takes note of a file that belongs to nothing. */
  addStray(path: string): void {
    this.#strays.add(path);
  }

  /** Takes note of a key that stands for a folder on an object store: the Go registry's collector may stop at it. */
  addFolderMarker(key: string): void {
    this.#folderMarkers.add(key);
  }

  /** Takes note of an empty folder if it is that of a tag: the Go registry lists such a tag, and nobody can pull it. */
  addEmptyFolder(path: string): void {
    const [, repository, tag] = TAG_FOLDER.exec(path.slice(REPOSITORIES_ROOT.length + 1)) ?? [];
    if (repository === undefined || tag === undefined || this.#emptyTagCount >= TAGS_KEPT) return;
    const tags = this.#emptyTags.get(repository) ?? new Set();
    this.#emptyTags.set(repository, tags.add(tag));
    this.#emptyTagCount++;
  }

  /** Forgets the empty folders of tags that have files too, which tell more. */
  dropKnown({ name, tags }: RepositoryEntries): void {
    const empty = this.#emptyTags.get(name) ?? new Set();
    for (const tag of empty) if (tags.has(tag)) empty.delete(tag);
  }

  /** Adds a finding for each sort. */
  addTo(findings: FindingLog): void {
    const tags = [...this.#emptyTags].flatMap(([name, some]) => [...some].map((tag) => `${name}:${tag}`));
    if (tags.length > 0) {
      findings.add("tag-without-link", {
        message: `${tags.length} tags are empty folders: ${first(tags, tags.length)}`,
      });
    }
    const strays = this.#strays;
    if (strays.count > 0) {
      const message = `${strays.count} files are not known: ${first(strays.first, strays.count)}`;
      findings.add("unknown-files", { message });
    }
    const markers = this.#folderMarkers;
    if (markers.count > 0) {
      const message = `${markers.count} keys stand for folders, which no registry needs: ${first(markers.first, markers.count)}`;
      findings.add("folder-markers", { message });
    }
  }
}

function first(names: readonly string[], total: number): string {
  return names.slice(0, SHOWN).join(", ") + (total > SHOWN ? ", …" : "");
}
