import { type Digest, digestOf, parseDigest } from "../src/oci/digest.ts";
import { OCI_MANIFEST } from "../src/oci/media-types.ts";
import { blobDataPath, layerLinkPath, revisionLinkPath, tagCurrentLinkPath } from "../src/registry/paths.ts";
import { planCollection } from "../src/registry/plan/plan-collection.ts";
import type { ScannedFile } from "../src/storage/abilities.ts";
import { MemoryDriver } from "../src/storage/memory/memory-driver.ts";

const DIGESTS = 10_000_000;
const LIMIT_BYTES = 2 * 1024 ** 3;
const REPOSITORIES = 1000;
const LAYERS_PER_MANIFEST = 8;
const BATCH = 1000;
/** Of each hundred manifests so many have no tag. */
const UNTAGGED_PERCENT = 30;

/**
 * Plans a collection with `-m` of a registry of ten million blobs that exists only as a listing, and tells the peak
 * memory. Exit code 1 if it is over 2 GiB.
 *
 * @param args - how many repositories of ten thousand blobs each (1000 by default), for a quicker look
 */
export async function graphMemory(args: readonly string[]): Promise<void> {
  const repositories = Number(args[0] ?? REPOSITORIES);
  const driver = new SyntheticDriver(repositories);
  const started = performance.now();
  let shownBlobs = 0;
  const plan = await planCollection(driver, {
    rules: { deleteUntagged: true, keepWrittenAfterMs: 1, keepUntaggedAfterMs: Number.POSITIVE_INFINITY },
    concurrency: 16,
    onProgress: ({ phase, repositories, blobs }) => {
      if (phase === "repositories" && repositories % 200 === 0) console.error(`${repositories} repositories`);
      if (phase !== "blobs" || blobs - shownBlobs < 2_000_000) return;
      shownBlobs = blobs;
      console.error(`${blobs} blobs`);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  console.log(`digests        ${plan.table.size}`);
  console.log(`manifests      ${plan.found.manifests}`);
  console.log(`blobs to go    ${plan.eligible.blobs} of ${plan.found.blobs}`);
  console.log(`seconds        ${seconds.toFixed(1)}`);
  console.log(
    `peak memory    ${(peakBytes / 1024 ** 2).toFixed(0)} MiB (limit ${LIMIT_BYTES / 1024 ** 2} MiB)`,
  );
  if (peakBytes > LIMIT_BYTES || plan.table.size < (DIGESTS / REPOSITORIES) * repositories)
    process.exitCode = 1;
}

const LAYERS_PER_REPOSITORY = Math.floor(
  (DIGESTS * LAYERS_PER_MANIFEST) / (LAYERS_PER_MANIFEST + 1) / REPOSITORIES,
);
const MANIFESTS_PER_REPOSITORY = Math.ceil(DIGESTS / REPOSITORIES) - LAYERS_PER_REPOSITORY;

/** Answers as a store with ten million blobs would, from arithmetic. */
class SyntheticDriver extends MemoryDriver {
  /** Where the manifests of the repository that was listed last are: they are read before the next one is listed. */
  readonly #manifests = new Map<string, number>();
  #repository = 0;
  readonly #repositories: number;

  constructor(repositories: number) {
    super();
    this.#repositories = repositories;
  }

  override async *scan(path: string): AsyncGenerator<ScannedFile[]> {
    let batch: ScannedFile[] = [];
    for (const file of path.endsWith("/blobs") ? this.#blobFiles() : this.#repositoryFiles()) {
      batch.push({ path: file, sizeBytes: 1000, modifiedMs: 0 });
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    yield batch;
  }

  override getSync(path: string): Uint8Array | undefined {
    const tag = /\/repo-\d+\/_manifests\/tags\/v(\d+)\//.exec(path);
    if (tag) return Buffer.from(digestOf(manifestBytes(this.#repository, Number(tag[1]))));
    const manifest = this.#manifests.get(path);
    return manifest === undefined ? undefined : manifestBytes(this.#repository, manifest);
  }

  *#repositoryFiles(): Generator<string> {
    for (let repository = 0; repository < this.#repositories; repository++) {
      yield* this.#filesOf(repository);
    }
  }

  *#filesOf(repository: number): Generator<string> {
    const name = `repo-${String(repository).padStart(4, "0")}`;
    for (let layer = 0; layer < LAYERS_PER_REPOSITORY; layer++)
      yield layerLinkPath(name, layerDigest(repository, layer));
    this.#repository = repository;
    this.#manifests.clear();
    for (let manifest = 0; manifest < MANIFESTS_PER_REPOSITORY; manifest++) {
      const digest = digestOf(manifestBytes(repository, manifest));
      this.#manifests.set(blobDataPath(digest), manifest);
      yield revisionLinkPath(name, digest);
    }
    for (let manifest = 0; manifest < MANIFESTS_PER_REPOSITORY; manifest++) {
      if (manifest % 100 >= UNTAGGED_PERCENT) yield tagCurrentLinkPath(name, `v${manifest}`);
    }
  }

  *#blobFiles(): Generator<string> {
    for (let repository = 0; repository < this.#repositories; repository++) {
      for (let layer = 0; layer < LAYERS_PER_REPOSITORY; layer++)
        yield blobDataPath(layerDigest(repository, layer));
      for (let manifest = 0; manifest < MANIFESTS_PER_REPOSITORY; manifest++) {
        yield blobDataPath(digestOf(manifestBytes(repository, manifest)));
      }
    }
  }
}

/** No real hash, as nothing reads a layer; but spread as evenly. */
function layerDigest(repository: number, layer: number): Digest {
  const number = repository * LAYERS_PER_REPOSITORY + layer;
  const spread = Math.imul(number, 2_654_435_761) >>> 0;
  return parseDigest(
    `sha256:${spread.toString(16).padStart(8, "0")}${number.toString(16).padStart(56, "0")}`,
  );
}

function manifestBytes(repository: number, manifest: number): Uint8Array {
  const layers = Array.from({ length: LAYERS_PER_MANIFEST }, (_, index) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: layerDigest(repository, (manifest * LAYERS_PER_MANIFEST + index) % LAYERS_PER_REPOSITORY),
    size: 1000,
  }));
  const json = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: layers[0],
    layers,
    annotations: { number: `${manifest}` },
  };
  return Buffer.from(JSON.stringify(json));
}
