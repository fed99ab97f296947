import { type Digest, type DigestAlgorithm, digestOf } from "../../src/oci/digest.ts";
import {
  DOCKER_SCHEMA1_SIGNED,
  isIndexType,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../src/oci/media-types.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  uploadDataPath,
  uploadStartedAtPath,
} from "../../src/registry/paths.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** What was pushed, as far as other manifests refer to it. */
export interface Pushed {
  digest: Digest;
  mediaType: string;
  size: number;
}

/** What a pushed manifest may have beside its content. */
export interface PushOptions {
  tag?: string;
  subject?: Pushed;
  algorithm?: DigestAlgorithm;
}

/** Writes small registry trees, file by file as the Go registry does, through any driver. */
export class RegistryTree {
  readonly driver: StorageDriver;

  constructor(driver: StorageDriver) {
    this.driver = driver;
  }

  repository(name: string): RepositoryTree {
    return new RepositoryTree(this, name);
  }

  /** Stores bytes that nothing links. */
  async blob(content: string, algorithm: DigestAlgorithm = "sha256"): Promise<Digest> {
    const bytes = Buffer.from(content);
    const digest = digestOf(bytes, algorithm);
    await this.driver.put(blobDataPath(digest), bytes);
    return digest;
  }

  /** Paths of all files below a folder; none if it is missing. */
  async files(below = "/docker"): Promise<string[]> {
    const paths: string[] = [];
    try {
      for await (const file of this.driver.walk(below)) paths.push(file.path);
    } catch (error) {
      if (!(error instanceof Error) || error.name !== "PathNotFoundError") throw error;
    }
    return paths;
  }

  async has(path: string): Promise<boolean> {
    return this.driver.stat(path).then(
      () => true,
      () => false,
    );
  }

  async hasBlob(digest: Digest): Promise<boolean> {
    return this.has(blobDataPath(digest));
  }
}

/** One repository of a {@link RegistryTree}. */
export class RepositoryTree {
  readonly tree: RegistryTree;
  readonly name: string;

  constructor(tree: RegistryTree, name: string) {
    this.tree = tree;
    this.name = name;
  }

  /** Stores and links a layer. */
  async layer(content: string, algorithm: DigestAlgorithm = "sha256"): Promise<Pushed> {
    const digest = await this.tree.blob(content, algorithm);
    await this.linkLayer(digest);
    return { digest, mediaType: LAYER, size: Buffer.byteLength(content) };
  }

  async linkLayer(digest: Digest): Promise<void> {
    await this.#link(layerLinkPath(this.name, digest), digest);
  }

  async linkRevision(digest: Digest): Promise<void> {
    await this.#link(revisionLinkPath(this.name, digest), digest);
  }

  /** Pushes an image with a config of its own; layers are given by content or as pushed. */
  async image(
    name: string,
    layers: readonly (string | Pushed)[],
    options: PushOptions = {},
  ): Promise<Pushed> {
    const config = { ...(await this.layer(`config of ${name}`)), mediaType: CONFIG };
    const descriptors: Pushed[] = [];
    for (const layer of layers) descriptors.push(typeof layer === "string" ? await this.layer(layer) : layer);
    return this.manifest({ schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: descriptors }, options);
  }

  async index(children: readonly Pushed[], options: PushOptions = {}): Promise<Pushed> {
    return this.manifest({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: children }, options);
  }

  /** Pushes an artifact such as a signature. */
  async artifact(content: string, subject: Pushed, options: PushOptions = {}): Promise<Pushed> {
    const config = { ...(await this.layer("{}")), mediaType: OCI_EMPTY };
    const json = {
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType: "application/x.test",
      config,
      layers: [await this.layer(content)],
    };
    return this.manifest(json, { ...options, subject });
  }

  async schema1(layers: readonly Pushed[], options: PushOptions = {}): Promise<Pushed> {
    const fsLayers = layers.map(({ digest }) => ({ blobSum: digest }));
    return this.manifest({ schemaVersion: 1, mediaType: DOCKER_SCHEMA1_SIGNED, fsLayers }, options);
  }

  async manifest(
    json: { mediaType: string; [key: string]: unknown },
    { tag, subject, algorithm }: PushOptions = {},
  ): Promise<Pushed> {
    const content = JSON.stringify(subject ? { ...json, subject } : json);
    const digest = await this.tree.blob(content, algorithm);
    await this.linkRevision(digest);
    if (tag !== undefined) await this.tag(tag, digest);
    return { digest, mediaType: json.mediaType, size: Buffer.byteLength(content) };
  }

  async tag(tag: string, digest: Digest): Promise<void> {
    await this.#link(tagHistoryLinkPath(this.name, tag, digest), digest);
    await this.#link(tagCurrentLinkPath(this.name, tag), digest);
  }

  /** Removes a tag with its history, as the registry's API does. */
  async untag(tag: string): Promise<void> {
    const folder = tagCurrentLinkPath(this.name, tag).slice(0, -"/current/link".length);
    for (const path of await this.tree.files(folder)) await this.tree.driver.delete(path);
  }

  async upload(uuid: string, content: string): Promise<void> {
    await this.tree.driver.put(uploadStartedAtPath(this.name, uuid), Buffer.from("2020-01-01T00:00:00Z"));
    await this.tree.driver.put(uploadDataPath(this.name, uuid), Buffer.from(content));
  }

  async hasRevision(digest: Digest): Promise<boolean> {
    return this.tree.has(revisionLinkPath(this.name, digest));
  }

  async hasLayer(digest: Digest): Promise<boolean> {
    return this.tree.has(layerLinkPath(this.name, digest));
  }

  async hasHistory(tag: string, digest: Digest): Promise<boolean> {
    return this.tree.has(tagHistoryLinkPath(this.name, tag, digest));
  }

  /**
   * What a client misses that pulls a manifest from this repository with everything below it: for each a text. Written
   * apart from the collector, on purpose.
   */
  async missingFor(digest: Digest, isLayer = false): Promise<string[]> {
    if (!(await this.tree.hasBlob(digest))) return [`blob ${digest}`];
    if (isLayer) return (await this.hasLayer(digest)) ? [] : [`layer link ${digest}`];
    const missing = (await this.hasRevision(digest)) ? [] : [`revision link ${digest}`];
    const json = JSON.parse(Buffer.from(await this.tree.driver.get(blobDataPath(digest))).toString());
    for (const child of json.manifests ?? []) {
      const isManifest = isIndexType(child.mediaType) || child.mediaType === OCI_MANIFEST;
      missing.push(...(await this.missingFor(child.digest, !isManifest)));
    }
    for (const layer of [json.config, ...(json.layers ?? [])]) {
      if (layer) missing.push(...(await this.missingFor(layer.digest, true)));
    }
    for (const layer of json.fsLayers ?? []) missing.push(...(await this.missingFor(layer.blobSum, true)));
    return missing;
  }

  async #link(path: string, digest: Digest): Promise<void> {
    await this.tree.driver.put(path, Buffer.from(digest));
  }
}
