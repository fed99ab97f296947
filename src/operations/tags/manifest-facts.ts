import { messageOf } from "../../lib/message-of.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { type ImageConfig, readImageConfig } from "../../oci/image-config.ts";
import { isManifestType, type Manifest } from "../../oci/manifest.ts";
import { isForeignLayer, OCI_EMPTY } from "../../oci/media-types.ts";
import { parseStored } from "../../registry/threads/read-manifests.ts";
import type { ManifestContent } from "./manifest-content.ts";
import type { ImageCreated, WantedFacts } from "./tag-source.ts";

/** Real configs have some kilobytes; one of that size is something else, and is not read. */
const MAX_CONFIG_BYTES = 8 * 1024 * 1024;
/** What BuildKit gives the attestations in an index, which run nowhere. */
const NO_PLATFORM = "unknown/unknown";

/** What is known of a manifest by its bytes, and those of its config and children. */
export interface ManifestFacts {
  /** `undefined`: it cannot be read, or is not there. */
  mediaType: string | undefined;
  created: ImageCreated;
  sizeBytes: number | undefined;
  platforms: string[];
  labels: Record<string, string>;
  /** What an index lists. */
  children: readonly Digest[];
  /** What it is attached to. */
  subject: Digest | undefined;
  /** Its bytes are not there. */
  isMissing: boolean;
}

/** Of a manifest that nobody wants to know anything of. */
export const UNREAD_FACTS: ManifestFacts = {
  mediaType: undefined,
  created: { kind: "none" },
  sizeBytes: undefined,
  platforms: [],
  labels: {},
  children: [],
  subject: undefined,
  isMissing: false,
};

/** Reads manifests, each once. */
export class ManifestReader {
  readonly #content: ManifestContent;
  readonly #wants: Pick<WantedFacts, "created" | "size" | "platforms">;
  readonly #facts = new Map<Digest, Promise<ManifestFacts>>();
  readonly #read = new Map<Digest, Promise<Stored | undefined>>();

  constructor(content: ManifestContent, wants: Pick<WantedFacts, "created" | "size" | "platforms">) {
    this.#content = content;
    this.#wants = wants;
  }

  /** Never rejects: what cannot be read is told. */
  facts(digest: Digest): Promise<ManifestFacts> {
    return remember(this.#facts, digest, () => this.#factsOf(digest));
  }

  async #factsOf(digest: Digest): Promise<ManifestFacts> {
    const facts: ManifestFacts = { ...UNREAD_FACTS };
    try {
      const stored = await this.#stored(digest);
      if (stored === undefined) return { ...facts, isMissing: true };
      facts.mediaType = stored.manifest.mediaType;
      facts.children = stored.manifest.children.map((child) => child.digest);
      facts.subject = stored.manifest.subject?.digest;
      await this.#addImage(facts, stored.manifest);
      if (this.#wants.size) facts.sizeBytes = await this.#sizeOf(digest, stored);
    } catch (error) {
      facts.created = { kind: "unreadable", reason: messageOf(error) };
    }
    return facts;
  }

  async #addImage(facts: ManifestFacts, manifest: Manifest): Promise<void> {
    const { created, platforms } = this.#wants;
    if (manifest.kind === "index") {
      facts.platforms = platformsOf(manifest.children);
      return;
    }
    const [config] = manifest.blobs;
    if (manifest.kind !== "image" || config === undefined || (!created && !platforms)) return;
    const image = await this.#config(config);
    if (image === undefined) return;
    if (image.createdMs !== undefined) facts.created = { kind: "known", ms: image.createdMs };
    if (image.platform !== undefined) facts.platforms = [image.platform];
    facts.labels = image.labels;
  }

  async #config({ mediaType, digest, size }: Descriptor): Promise<ImageConfig | undefined> {
    if (mediaType === OCI_EMPTY || size > MAX_CONFIG_BYTES) return undefined;
    const bytes = await this.#content.config(digest, MAX_CONFIG_BYTES);
    return bytes && readImageConfig(bytes);
  }

  /** Of all that has to be in the registry so that it can be pulled; each digest counts once. */
  async #sizeOf(digest: Digest, stored: Stored): Promise<number> {
    const sizes = new Map<Digest, number>();
    await this.#addSizes(digest, stored, sizes);
    let sum = 0;
    for (const size of sizes.values()) sum += size;
    return sum;
  }

  async #addSizes(
    digest: Digest,
    { manifest, sizeBytes }: Stored,
    sizes: Map<Digest, number>,
  ): Promise<void> {
    sizes.set(digest, sizeBytes);
    for (const blob of manifest.blobs) {
      if (sizes.has(blob.digest) || isForeignLayer(blob.mediaType)) continue;
      // Manifests of the oldest kind do not say.
      const isTold = blob.size >= 0;
      sizes.set(blob.digest, isTold ? blob.size : ((await this.#content.sizeBytes(blob.digest)) ?? 0));
    }
    for (const child of manifest.children) {
      if (sizes.has(child.digest)) continue;
      const stored = isManifestType(child.mediaType) ? await this.#stored(child.digest) : undefined;
      if (stored !== undefined) await this.#addSizes(child.digest, stored, sizes);
      else sizes.set(child.digest, child.size);
    }
  }

  #stored(digest: Digest): Promise<Stored | undefined> {
    return remember(this.#read, digest, async () => {
      const bytes = await this.#content.manifest(digest);
      return bytes && { manifest: parseStored(bytes, digest), sizeBytes: bytes.length };
    });
  }
}

interface Stored {
  manifest: Manifest;
  sizeBytes: number;
}

function remember<Value>(
  known: Map<Digest, Promise<Value>>,
  digest: Digest,
  read: () => Promise<Value>,
): Promise<Value> {
  let value = known.get(digest);
  if (value === undefined) {
    value = read();
    known.set(digest, value);
  }
  return value;
}

function platformsOf(children: readonly Descriptor[]): string[] {
  const names = new Set<string>();
  for (const { platform } of children) {
    if (platform !== undefined) names.add(`${platform.os}/${platform.architecture}`);
  }
  names.delete(NO_PLATFORM);
  return [...names];
}
