import type { SeededRandom } from "./seeded-random.ts";
import { type ManifestJson, type StoredItem, StoreFiles } from "./store-files.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";
const EMPTY = "application/vnd.oci.empty.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";

/** How large a tree is made. */
export interface LargeTreeSize {
  repositories: number;
  /** At most so many pushes into each repository. */
  pushes: number;
  /** Blobs that no repository links. */
  orphans: number;
}

/** What has been pushed into the repositories of a tree. */
export interface LargeTree {
  rootDirectory: string;
  /** Digest by repository and tag. */
  tags: Map<string, Map<string, string>>;
  /** Digests of what was pushed with a subject, by repository and the subject's digest. */
  referrers: Map<string, Map<string, string[]>>;
}

/**
 * Writes a store of some thousand files with all that registries have: tags that moved on, untagged images, indexes in
 * indexes, referrers of referrers, layers shared within and across repositories, repositories below others, ones that
 * only have untagged manifests, only uploads or only empty folders, layers and blobs of nobody, SHA-512 digests.
 */
export function writeLargeTree(
  rootDirectory: string,
  random: SeededRandom,
  size: LargeTreeSize = { repositories: 26, pushes: 20, orphans: 400 },
): LargeTree {
  return new TreeMaker(rootDirectory, random).make(size);
}

class TreeMaker {
  readonly #files: StoreFiles;
  readonly #random: SeededRandom;
  readonly #tree: LargeTree;
  #number = 0;

  constructor(rootDirectory: string, random: SeededRandom) {
    this.#files = new StoreFiles(rootDirectory);
    this.#random = random;
    this.#tree = { rootDirectory, tags: new Map(), referrers: new Map() };
  }

  make({ repositories, pushes, orphans }: LargeTreeSize): LargeTree {
    const random = this.#random;
    for (let number = 0; number < repositories; number++) {
      const name = random.pick([`app${number}`, `team/app${number}`, `team/app${number % 7}/part${number}`]);
      // A few are never tagged, so that they leave the catalog.
      const isTagged = number % 6 !== 5;
      this.#push(name, random.between(Math.ceil(pushes / 2), pushes), isTagged);
      if (random.chance(0.2))
        this.#files.write(`repositories/${name}/_uploads/${number}/data`, "half a layer");
    }
    for (let number = 0; number < orphans; number++) this.#files.blob(`orphan ${this.#unique()}`);
    for (const folder of ["_manifests/revisions", "_manifests/tags", "_layers"]) {
      for (const name of ["void", "group/void"]) this.#files.folder(`repositories/${name}/${folder}`);
    }
    this.#files.folder(`repositories/team/only-layers/_layers/sha256`);
    this.#files.write("repositories/uploading/_uploads/1/startedat", "2026-01-01T00:00:00Z");
    return this.#tree;
  }

  #push(repository: string, pushes: number, isTagged: boolean): void {
    const random = this.#random;
    const pushed: StoredItem[] = [];
    for (let number = 0; number < pushes; number++) {
      const kind = random.fraction();
      let item: StoredItem;
      if (kind < 0.6 || pushed.length < 2) item = this.#image(repository);
      else if (kind < 0.8) item = this.#index(repository, pushed);
      else item = this.#artifact(repository, random.pick(pushed));
      pushed.push(item);
      if (!isTagged) continue;
      if (random.chance(0.45)) this.#tag(repository, "latest", item);
      if (random.chance(0.2)) this.#tag(repository, `v${random.below(4)}`, item);
      // Back to what it once was.
      if (random.chance(0.1)) this.#tag(repository, "latest", random.pick(pushed));
    }
    // What a push leaves that was killed before it set its tag.
    if (random.chance(0.5)) this.#files.tagHistory(repository, "lost", random.pick(pushed).digest);
    const layers = random.between(0, 30);
    for (let number = 0; number < layers; number++) this.#layer(repository, `unused ${this.#unique()}`);
  }

  #image(repository: string): StoredItem {
    const random = this.#random;
    const config = { ...this.#layer(repository, `config ${this.#unique()}`), mediaType: CONFIG };
    const layers = Array.from({ length: random.between(1, 6) }, () => {
      const base = random.chance(0.3);
      const algorithm = random.chance(0.03) ? "sha512" : "sha256";
      return this.#layer(
        repository,
        base ? `base ${random.below(60)}` : `layer ${this.#unique()}`,
        algorithm,
      );
    });
    const algorithm = random.chance(0.05) ? "sha512" : "sha256";
    return this.#files.manifest(
      repository,
      { schemaVersion: 2, mediaType: MANIFEST, config, layers },
      algorithm,
    );
  }

  #index(repository: string, pushed: readonly StoredItem[]): StoredItem {
    const random = this.#random;
    const manifests = Array.from({ length: random.between(1, 4) }, () =>
      random.chance(0.5) ? random.pick(pushed) : this.#image(repository),
    );
    const mediaType = random.chance(0.3) ? DOCKER_LIST : INDEX;
    const note = this.#unique();
    const subject = random.chance(0.1) ? random.pick(pushed) : undefined;
    return this.#withSubject(repository, { schemaVersion: 2, mediaType, manifests, note }, subject);
  }

  #artifact(repository: string, subject: StoredItem): StoredItem {
    const config = { ...this.#layer(repository, "{}"), mediaType: EMPTY };
    const layers = [this.#layer(repository, `signature ${this.#unique()}`)];
    const json = {
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/x.test",
      config,
      layers,
    };
    return this.#withSubject(repository, json, subject);
  }

  #withSubject(repository: string, json: ManifestJson, subject: StoredItem | undefined): StoredItem {
    if (!subject) return this.#files.manifest(repository, json);
    const item = this.#files.manifest(repository, { ...json, subject });
    const ofRepository = this.#tree.referrers.get(repository) ?? new Map<string, string[]>();
    this.#tree.referrers.set(repository, ofRepository);
    ofRepository.set(subject.digest, [...(ofRepository.get(subject.digest) ?? []), item.digest]);
    return item;
  }

  #tag(repository: string, tag: string, item: StoredItem): void {
    this.#files.tag(repository, tag, item.digest);
    const tags = this.#tree.tags.get(repository) ?? new Map<string, string>();
    this.#tree.tags.set(repository, tags.set(tag, item.digest));
  }

  #layer(repository: string, content: string, algorithm = "sha256"): StoredItem {
    const layer = this.#files.blob(content, LAYER, algorithm);
    this.#files.linkLayer(repository, layer.digest);
    return layer;
  }

  #unique(): string {
    return `${this.#number++} ${this.#random.below(2 ** 31)}`;
  }
}
