import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Digest, digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../src/registry/paths.ts";

/** An image of {@link TagTree}. */
export interface TagTreeImage {
  /** RFC 3339. */
  created?: string;
  labels?: Record<string, string>;
}

/** Writes thousands of tags of one repository into a folder, faster than through a driver: nothing is synced. */
export class TagTree {
  readonly rootDirectory: string;
  readonly repository: string;

  constructor(rootDirectory: string, repository: string) {
    this.rootDirectory = rootDirectory;
    this.repository = repository;
  }

  /** Stores an image with a config of its own and one layer that all of them share. */
  image(name: string, { created, labels }: TagTreeImage = {}): Digest {
    const platform = { os: "linux", architecture: "amd64" };
    const config = this.#blob(JSON.stringify({ name, created, ...platform, config: { Labels: labels } }));
    const layer = this.#blob("the layer of all");
    for (const { digest } of [config, layer]) this.write(layerLinkPath(this.repository, digest), digest);
    const { digest } = this.#blob(
      JSON.stringify({
        ...{ schemaVersion: 2, mediaType: OCI_MANIFEST },
        config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
        layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
      }),
    );
    this.write(revisionLinkPath(this.repository, digest), digest);
    return digest;
  }

  tag(name: string, digest: Digest): void {
    this.write(tagHistoryLinkPath(this.repository, name, digest), digest);
    this.write(tagCurrentLinkPath(this.repository, name), digest);
  }

  /** Writes the configuration beside the store. @returns its path */
  config(more = ""): string {
    const path = join(this.rootDirectory, "..", "config.yml");
    writeFileSync(
      path,
      `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${this.rootDirectory}\n${more}`,
    );
    return path;
  }

  /** @param path - in the store */
  at(path: string): string {
    return join(this.rootDirectory, path);
  }

  read(path: string): string {
    return readFileSync(this.at(path), "utf8");
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(this.at(path)), { recursive: true });
    writeFileSync(this.at(path), content);
  }

  #blob(content: string): { digest: Digest; size: number } {
    const digest = digestOf(Buffer.from(content));
    this.write(blobDataPath(digest), content);
    return { digest, size: Buffer.byteLength(content) };
  }
}
