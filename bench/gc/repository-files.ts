import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_MANIFEST } from "../../src/oci/media-types.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../src/registry/paths.ts";
import type { TreeFile } from "./tree-files.ts";
import { pushesPerRepository, type TreeShape } from "./tree-shape.ts";

const DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** The images of an index. */
const ARCHITECTURES = ["amd64", "arm64"];
/** Repositories lie in so many groups. */
const GROUPS = 50;

interface Descriptor {
  mediaType: string;
  size: number;
  digest: Digest;
}

/**
 * The files that pushes into one repository leave. Push after push goes to the next tag and begins again at the first,
 * so the last pushes have the tags, and the history of a tag names every push to it.
 */
export class RepositoryFiles {
  readonly number: number;
  readonly #shape: TreeShape;
  readonly #name: string;

  constructor(shape: TreeShape, number: number) {
    this.number = number;
    this.#shape = shape;
    this.#name = `group-${number % GROUPS}/project-${number}`;
  }

  /** How many manifests a push has brought. */
  manifestsOf(push: number): number {
    return (this.#isIndex(push) ? ARCHITECTURES.length + 1 : 1) + (this.#hasReferrer(push) ? 1 : 0);
  }

  /** The files of one push; the first also brings the layers that the images share. */
  *push(push: number): Generator<TreeFile> {
    const shape = this.#shape;
    if (push === 0)
      for (let index = 0; index < shape.layerPool; index++) yield* this.#layer(this.#poolLayer(index));
    const pushed = this.#isIndex(push) ? yield* this.#index(push) : yield* this.#image(push, "amd64");
    if (this.#hasReferrer(push)) yield* this.#referrer(push, pushed);
    if (shape.tags === 0) return;
    const tag = `v${push % shape.tags}`;
    yield { path: tagHistoryLinkPath(this.#name, tag, pushed.digest), content: pushed.digest };
    const isLast = push + shape.tags >= pushesPerRepository(shape);
    if (isLast) yield { path: tagCurrentLinkPath(this.#name, tag), content: pushed.digest };
  }

  *#index(push: number): Generator<TreeFile, Descriptor> {
    const manifests = [];
    for (const architecture of ARCHITECTURES) {
      const image = yield* this.#image(push, architecture);
      manifests.push({ ...image, platform: { architecture, os: "linux" } });
    }
    return yield* this.#manifest(DOCKER_MANIFEST_LIST, { manifests });
  }

  *#image(push: number, architecture: string): Generator<TreeFile, Descriptor> {
    const { layers, sharedLayers, layerPool } = this.#shape;
    const config = yield* this.#layer(
      JSON.stringify({
        architecture,
        os: "linux",
        config: { Labels: { image: this.#text("config", push) } },
      }),
      DOCKER_CONFIG,
    );
    const descriptors: Descriptor[] = [];
    for (let index = 0; index < sharedLayers; index++)
      descriptors.push(describe(this.#poolLayer((push + index) % layerPool), DOCKER_LAYER));
    for (let index = sharedLayers; index < layers; index++)
      descriptors.push(yield* this.#layer(this.#text(`${architecture} layer ${index}`, push)));
    return yield* this.#manifest(DOCKER_MANIFEST, { config, layers: descriptors });
  }

  *#referrer(push: number, subject: Descriptor): Generator<TreeFile, Descriptor> {
    const config = yield* this.#layer(this.#text("signature config", push), OCI_CONFIG);
    const layers = [yield* this.#layer(this.#text("signature", push), OCI_LAYER)];
    return yield* this.#manifest(OCI_MANIFEST, { config, layers, subject });
  }

  /** A manifest in the form that `docker push` gives it. */
  *#manifest(mediaType: string, fields: object): Generator<TreeFile, Descriptor> {
    const content = JSON.stringify({ schemaVersion: 2, mediaType, ...fields }, undefined, 3);
    const manifest = describe(content, mediaType);
    yield { path: blobDataPath(manifest.digest), content };
    yield { path: revisionLinkPath(this.#name, manifest.digest), content: manifest.digest };
    return manifest;
  }

  *#layer(content: string, mediaType = DOCKER_LAYER): Generator<TreeFile, Descriptor> {
    const layer = describe(content, mediaType);
    yield { path: blobDataPath(layer.digest), content };
    yield { path: layerLinkPath(this.#name, layer.digest), content: layer.digest };
    return layer;
  }

  #poolLayer(index: number): string {
    return this.#text("shared layer", index);
  }

  /** Bytes that no other blob of the tree has. */
  #text(what: string, number: number): string {
    return `${what} ${this.#shape.seed}/${this.number}/${number}`;
  }

  #isIndex(push: number): boolean {
    return fraction(this.#shape.seed, this.number, push, 1) < this.#shape.multiArch;
  }

  #hasReferrer(push: number): boolean {
    return fraction(this.#shape.seed, this.number, push, 2) < this.#shape.referrers;
  }
}

function describe(content: string, mediaType: string): Descriptor {
  const bytes = Buffer.from(content);
  return { mediaType, size: bytes.length, digest: digestOf(bytes) };
}

/** A number from 0 to below 1, spread evenly over its arguments (the mixing steps of MurmurHash3). */
function fraction(...numbers: readonly number[]): number {
  let hash = 0;
  for (const number of numbers) {
    hash = Math.imul(hash ^ number, 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash ^= hash >>> 16;
  }
  return (hash >>> 0) / 2 ** 32;
}
