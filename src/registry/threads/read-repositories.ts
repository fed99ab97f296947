import { isTag } from "../../oci/reference.ts";
import type { SmallReads, SynchronousFolders } from "../../storage/abilities.ts";
import { sortKeys } from "../../storage/key-order.ts";
import { hexAt, linkedHex, packNames, SHA256_BYTES } from "./digest-list.ts";

/** A repository that has nothing but what the layout knows. Digests are sha256, packed one behind the other. */
export interface RepositoryListing {
  /** Names of the folders of layer links; whether there is a link in them has not been looked at. */
  layers: Uint8Array;
  /** As with `layers`. */
  revisions: Uint8Array;
  /** In key order. */
  tags: string[];
  /** What each tag points to. */
  targets: Uint8Array;
  /** How many entries of `history` each tag has. */
  historyCounts: Uint32Array;
  /** Names of the folders of tag-history links, as with `layers`. */
  history: Uint8Array;
  /** When the link of each tag was written; NaN unless it was asked for and could be told. */
  tagTimes: Float64Array;
  /** As with `tagTimes`, of the links of revisions. */
  revisionTimes: Float64Array;
}

/** A repository to read. */
export interface RepositoryInput {
  /** Path of the repository. */
  folder: string;
  /** Which of `_layers`, `_manifests` and `_uploads` there are. */
  parts: readonly string[];
  /** Whether the times of tags and revisions are wanted. */
  wantsTimes: boolean;
}

/**
 * Reads what a collection must know of repositories, with as few calls of the system as that takes: folders named by a
 * digest are not looked into where the name says enough.
 *
 * @returns for each repository undefined if anything is not as a registry writes it (an unknown file or name, a missing
 *   or damaged link, a folder that cannot be listed, a sha512, nothing at all): then it has to be read with all care
 */
export function readRepositories(
  driver: SynchronousFolders & SmallReads,
  repositories: readonly RepositoryInput[],
): (RepositoryListing | undefined)[] {
  const reader = new RepositoryReader(driver);
  return repositories.map((repository) => {
    try {
      return reader.read(repository);
    } catch {
      // Told of by those who read it with all care.
      return undefined;
    }
  });
}

type TagListing = Pick<RepositoryListing, "tags" | "targets" | "historyCounts" | "history">;

/** Something is not as a registry writes it. */
class Irregular extends Error {}

class RepositoryReader {
  readonly #driver: SynchronousFolders & SmallReads;

  constructor(driver: SynchronousFolders & SmallReads) {
    this.#driver = driver;
  }

  read({ folder, parts, wantsTimes }: RepositoryInput): RepositoryListing {
    const layers = parts.includes("_layers") ? this.#digestsBelow(`${folder}/_layers`) : new Uint8Array();
    const manifests = `${folder}/_manifests`;
    const sections = parts.includes("_manifests") ? this.#names(manifests, ["revisions", "tags"]) : [];
    const revisions = sections.includes("revisions")
      ? this.#digestsBelow(`${manifests}/revisions`)
      : new Uint8Array();
    const tags = sections.includes("tags") ? this.#tags(`${manifests}/tags`) : NO_TAGS;
    if (layers.length + revisions.length + tags.tags.length === 0) throw new Irregular();
    const revisionTimes = wantsTimes ? this.#timesOf(revisionLinks(manifests, revisions)) : NO_TIMES;
    const tagTimes = wantsTimes ? this.#timesOf(tagLinks(manifests, tags.tags)) : NO_TIMES;
    return { layers, revisions, ...tags, tagTimes, revisionTimes };
  }

  /** NaN for what cannot be told, and for what is not there: those who need it look once more. */
  #timesOf(paths: readonly string[]): Float64Array {
    return Float64Array.from(paths, (path) => this.#driver.statFileSync(path)?.modifiedMs ?? Number.NaN);
  }

  #tags(folder: string): TagListing {
    const tags = sortKeys(this.#list(folder).map((name) => `${name}/`)).map((key) => key.slice(0, -1));
    const targets: string[] = [];
    const history: Uint8Array[] = [];
    const historyCounts = new Uint32Array(tags.length);
    for (const [index, tag] of tags.entries()) {
      if (!isTag(tag)) throw new Irregular();
      const content = this.#driver.getSync(`${folder}/${tag}/current/link`);
      const target = content === undefined ? undefined : linkedHex(content);
      if (target === undefined) throw new Irregular();
      targets.push(target);
      // What else may be beside it (a sha512, which only a repository with such a revision has) does not matter here.
      const links = this.#digestsIn(`${folder}/${tag}/index/sha256`);
      history.push(links);
      historyCounts[index] = links.length / SHA256_BYTES;
    }
    return {
      tags,
      targets: Buffer.from(targets.join(""), "hex"),
      historyCounts,
      history: Buffer.concat(history),
    };
  }

  /** The digests for which there are folders, in key order. */
  #digestsBelow(folder: string): Uint8Array {
    if (this.#names(folder, ["sha256"]).length === 0) return new Uint8Array();
    return this.#digestsIn(`${folder}/sha256`);
  }

  #digestsIn(folder: string): Uint8Array {
    const packed = packNames(this.#list(folder).sort());
    if (packed === undefined) throw new Irregular();
    return packed;
  }

  #names(folder: string, known: readonly string[]): string[] {
    const names = this.#list(folder);
    if (names.some((name) => !known.includes(name))) throw new Irregular();
    return names;
  }

  #list(folder: string): string[] {
    const names = this.#driver.listNamesSync(folder);
    if (names === undefined) throw new Irregular();
    return names;
  }
}

function tagLinks(manifests: string, tags: readonly string[]): string[] {
  return tags.map((tag) => `${manifests}/tags/${tag}/current/link`);
}

function revisionLinks(manifests: string, revisions: Uint8Array): string[] {
  return Array.from(
    { length: revisions.length / SHA256_BYTES },
    (_, index) => `${manifests}/revisions/sha256/${hexAt(revisions, index)}/link`,
  );
}

const NO_TIMES = new Float64Array();

const NO_TAGS = {
  tags: [],
  targets: new Uint8Array(),
  historyCounts: new Uint32Array(),
  history: new Uint8Array(),
};
