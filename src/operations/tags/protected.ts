import { UsageError } from "../../errors.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { isRepositoryName, isTag } from "../../oci/reference.ts";
import { cutLines } from "./read-names.ts";

/** What a container engine puts in front of the name of an image. */
const SCHEME = /^[a-z][a-z-]*:\/\//;
/** No name of an image is longer. */
const MAX_LINE_CHARS = 1024;
const DEFAULT_TAG = "latest";
/** So many that are missing are told one by one. */
const MISSING_TOLD = 20;

/** One line of a list of protected images. */
export interface ProtectedReference {
  /** As it stands in the list. */
  text: string;
  /** Names that the repository may have: what comes before the first slash may be a host or belong to the name. Empty for a bare digest. */
  repositories: string[];
  tag: string | undefined;
  digest: Digest | undefined;
}

/** Images that nothing may delete, such as those that run somewhere. */
export class ProtectedImages {
  readonly references: readonly ProtectedReference[];
  /** What references name by digest. */
  readonly digests: ReadonlySet<Digest>;
  readonly #byTag = new Map<string, ProtectedReference[]>();
  readonly #byDigest = new Map<Digest, ProtectedReference[]>();
  readonly #byRepository = new Map<string, ProtectedReference[]>();
  readonly #matched = new Set<ProtectedReference>();
  /** Repositories of which all tags are known. */
  readonly #listed = new Set<string>();

  constructor(references: readonly ProtectedReference[]) {
    this.references = references;
    for (const reference of references) {
      const { repositories, tag, digest } = reference;
      for (const repository of repositories) {
        add(this.#byRepository, repository, reference);
        if (tag !== undefined) add(this.#byTag, `${repository}:${tag}`, reference);
      }
      if (digest !== undefined) add(this.#byDigest, digest, reference);
    }
    this.digests = new Set(this.#byDigest.keys());
  }

  /** Tells whether a tag, or what it points to, is protected; and remembers which references that were. */
  protects(repository: string, tag: string, digest: Digest | undefined): boolean {
    const found = [
      ...(this.#byTag.get(`${repository}:${tag}`) ?? []),
      ...(digest === undefined ? [] : (this.#byDigest.get(digest) ?? [])),
    ];
    for (const reference of found) this.#matched.add(reference);
    return found.length > 0;
  }

  /** Remembers that something with this digest is there. */
  noteDigest(digest: Digest): void {
    for (const reference of this.#byDigest.get(digest) ?? []) this.#matched.add(reference);
  }

  /** Remembers that a repository has these tags and no others. */
  noteTags(repository: string, names: readonly string[]): void {
    this.#listed.add(repository);
    const references = this.#byRepository.get(repository);
    if (references === undefined) return;
    const there = new Set(names);
    for (const reference of references) {
      if (reference.tag !== undefined && there.has(reference.tag)) this.#matched.add(reference);
    }
  }

  /** Names the references that nothing has matched; only to be believed where everything was told. */
  unmatched(): string[] {
    return this.#unmatched().map(({ text }) => text);
  }

  /**
   * Names the references that are certainly not in a repository whose tags were told. One with a digest never is among them:
   * the digest may be that of a manifest without a tag, or of one in an index that nobody has read.
   */
  missingIn(repository: string): string[] {
    if (!this.#listed.has(repository)) return [];
    return this.#unmatched()
      .filter(({ repositories, digest }) => digest === undefined && repositories.includes(repository))
      .map(({ text }) => text);
  }

  /**
   * Names the references that are certainly in none of all repositories: those whose repository is not there, and those to a tag of
   * a repository whose tags were told. Never one of a repository of which only a part was looked at, nor a digest alone.
   *
   * @param all - the names of all repositories
   */
  missingInAll(all: ReadonlySet<string>): string[] {
    const isMissing = ({ repositories, digest }: ProtectedReference): boolean =>
      repositories.length > 0 &&
      repositories.every((name) => !all.has(name) || (digest === undefined && this.#listed.has(name)));
    return this.#unmatched()
      .filter(isMissing)
      .map(({ text }) => text);
  }

  #unmatched(): ProtectedReference[] {
    return this.references.filter((each) => !this.#matched.has(each));
  }
}

/**
 * @param missing - references that are not there, such as those of a list of all that runs to other registries
 * @returns warnings of the first of them, and how many more there are
 */
export function missingWarnings(missing: readonly string[], place: string): string[] {
  const warnings = missing.slice(0, MISSING_TOLD).map((text) => `--protect: nothing in ${place} is ${text}`);
  const more = missing.length - MISSING_TOLD;
  return more > 0 ? [...warnings, `--protect: nothing in ${place} is ${more} more of them`] : warnings;
}

/**
 * Reads a list of protected images: `host/repository:tag`, `repository@sha256:…`, `repository:tag@sha256:…` or a digest alone on a line,
 * with comments behind `#`. A name without tag and digest stands for `latest`, as everywhere.
 *
 * @param file - its name, for messages
 * @throws {UsageError} with file and line, if a line is none of these
 */
export async function readProtected(
  file: string,
  chunks: AsyncIterable<Uint8Array | string>,
): Promise<ProtectedImages> {
  const references: ProtectedReference[] = [];
  let line = 0;
  for await (const { text, length } of cutLines(chunks, MAX_LINE_CHARS)) {
    line++;
    const content = (line === 1 ? text.replace(/^\ufeff/, "") : text).replace(/(^|\s)#.*$/, "").trim();
    const isTooLong = length > MAX_LINE_CHARS && !text.trimStart().startsWith("#");
    if (content === "" && !isTooLong) continue;
    const reference = isTooLong ? undefined : parseProtected(content);
    if (reference === undefined) {
      throw new UsageError(`${file}:${line}: not an image: ${JSON.stringify(content.slice(0, 100))}`, {
        hint: "write host/repository:tag, repository@sha256:…, repository:tag@sha256:… or a digest on each line; comments begin with #",
      });
    }
    references.push(reference);
  }
  return new ProtectedImages(references);
}

/** @returns what a line says; undefined if it is no reference */
export function parseProtected(text: string): ProtectedReference | undefined {
  if (isDigest(text)) return { text, repositories: [], tag: undefined, digest: text };
  const named = text.replace(SCHEME, "");
  const at = named.indexOf("@");
  const digest = at < 0 ? undefined : named.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) return undefined;
  const name = at < 0 ? named : named.slice(0, at);
  if (name === "" && digest !== undefined) return { text, repositories: [], tag: undefined, digest };
  const colon = name.lastIndexOf(":");
  const hasTag = colon > name.lastIndexOf("/");
  const tag = hasTag ? name.slice(colon + 1) : digest === undefined ? DEFAULT_TAG : undefined;
  const repositories = repositoriesOf(hasTag ? name.slice(0, colon) : name);
  if (repositories.length === 0 || (tag !== undefined && !isTag(tag))) return undefined;
  return { text, repositories, tag, digest };
}

/**
 * What looks like a host may be the first part of a repository's name all the same.
 * @see https://github.com/distribution/reference/blob/v0.6.0/normalize.go (`splitDockerDomain`)
 */
function repositoriesOf(name: string): string[] {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const looksLikeHost = /[.:A-Z]/.test(first) || first === "localhost";
  return [name, ...(looksLikeHost ? [name.slice(slash + 1)] : [])].filter(isRepositoryName);
}

function add<Key>(map: Map<Key, ProtectedReference[]>, key: Key, reference: ProtectedReference): void {
  const known = map.get(key);
  if (known) known.push(reference);
  else map.set(key, [reference]);
}
