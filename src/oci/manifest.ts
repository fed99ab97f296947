import { RegistryCtlError } from "../errors.ts";
import { isObject } from "../lib/is-object.ts";
import { messageOf } from "../lib/message-of.ts";
import type { Descriptor, Platform } from "./descriptor.ts";
import { type Digest, isDigest } from "./digest.ts";
import { jsonDepth, mayNestDeeper } from "./json-depth.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "./media-types.ts";

/** Deepest nesting of objects and arrays that we accept in a manifest. Real ones have fewer than ten levels. */
export const MAX_MANIFEST_DEPTH = 64;

/** What a manifest says, as far as the registry needs it. All digests are checked, sizes are integers. */
export interface Manifest {
  /** The media type under which it is served. */
  mediaType: string;
  kind: "image" | "index" | "artifact" | "schema1";
  /** Config first, then layers (or an artifact's blobs), in order, with repetitions. Empty for an index. */
  blobs: Descriptor[];
  /** Entries of an index. Usually manifests; BuildKit's caches list layers and a config here. */
  children: Descriptor[];
  /** The manifest that this one is attached to; it need not exist. */
  subject?: Descriptor;
  /** The `artifactType`, or else the config's media type, as the referrers list gives it. */
  artifactType?: string;
  annotations?: Record<string, string>;
}

/** Bytes that are no manifest that we know. */
export class InvalidManifestError extends RegistryCtlError {
  override readonly name: string = "InvalidManifestError";
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super("ERR_INVALID_MANIFEST", `invalid manifest: ${reason}`, options);
  }
}

const KINDS: ReadonlyMap<string, Manifest["kind"]> = new Map([
  [OCI_MANIFEST, "image"],
  [DOCKER_MANIFEST, "image"],
  [OCI_INDEX, "index"],
  [DOCKER_MANIFEST_LIST, "index"],
  [OCI_ARTIFACT, "artifact"],
  [DOCKER_SCHEMA1, "schema1"],
  [DOCKER_SCHEMA1_SIGNED, "schema1"],
]);

/** Tells whether `mediaType` (without parameters) names a manifest that {@link parseManifest} reads. */
export function isManifestType(mediaType: string): boolean {
  return KINDS.has(mediaType);
}

/**
 * Reads a manifest of any known type: OCI image, index and artifact, Docker schema 2 and list, Docker schema 1.
 *
 * @param bytes - the stored bytes
 * @param declaredType - the media type that the client gave (without parameters); it must agree with the content
 * @throws {InvalidManifestError} if the bytes are not JSON, nested too deeply, of an unknown type, of another type
 *   than declared, or have a descriptor without media type, digest or size
 */
export function parseManifest(bytes: Uint8Array, declaredType?: string): Manifest {
  const json = parseJsonObject(bytes);
  const mediaType = mediaTypeOf(json, declaredType);
  const kind = KINDS.get(mediaType);
  if (kind === undefined) throw new InvalidManifestError(`unknown media type ${JSON.stringify(mediaType)}`);
  const manifest: Manifest = { mediaType, kind, blobs: [], children: [] };
  if (kind === "schema1") {
    manifest.blobs = schema1Layers(json);
    return manifest;
  }
  if (kind === "index") {
    manifest.children = descriptors(json, "manifests");
  } else if (kind === "artifact") {
    manifest.blobs = json["blobs"] === undefined || json["blobs"] === null ? [] : descriptors(json, "blobs");
  } else {
    const config = descriptor(json["config"], "config");
    manifest.blobs = [config, ...(isNothing(json["layers"]) ? [] : descriptors(json, "layers"))];
    if (config.mediaType !== OCI_EMPTY) manifest.artifactType = config.mediaType;
  }
  const artifactType = json["artifactType"];
  if (typeof artifactType === "string" && artifactType !== "") manifest.artifactType = artifactType;
  else if (!isNothing(artifactType) && typeof artifactType !== "string") {
    throw new InvalidManifestError("artifactType is not a string");
  }
  if (!isNothing(json["subject"])) manifest.subject = descriptor(json["subject"], "subject");
  const annotations = json["annotations"];
  if (!isNothing(annotations)) manifest.annotations = stringMap(annotations, "annotations");
  return manifest;
}

function parseJsonObject(bytes: Uint8Array): Record<string, unknown> {
  let json: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (mayNestDeeper(text, MAX_MANIFEST_DEPTH)) refuseDeepNesting(bytes);
    json = JSON.parse(text);
  } catch (error) {
    if (error instanceof InvalidManifestError) throw error;
    throw new InvalidManifestError(`not JSON: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (!isObject(json)) throw new InvalidManifestError("not a JSON object");
  return json;
}

function refuseDeepNesting(bytes: Uint8Array): void {
  if (jsonDepth(bytes, MAX_MANIFEST_DEPTH) > MAX_MANIFEST_DEPTH) {
    throw new InvalidManifestError(`JSON is nested deeper than ${MAX_MANIFEST_DEPTH} levels`);
  }
}

function mediaTypeOf(json: Record<string, unknown>, declaredType: string | undefined): string {
  const version = json["schemaVersion"];
  const own = json["mediaType"];
  if (!isNothing(own) && typeof own !== "string") throw new InvalidManifestError("mediaType is not a string");
  if (version === 1) {
    if (declaredType !== undefined && KINDS.get(declaredType) !== "schema1") {
      throw new InvalidManifestError(`schemaVersion is 1, but the type is said to be ${declaredType}`);
    }
    return declaredType ?? (typeof own === "string" && KINDS.get(own) === "schema1" ? own : DOCKER_SCHEMA1);
  }
  if (version !== 2 && own !== OCI_ARTIFACT) {
    throw new InvalidManifestError(`schemaVersion is ${JSON.stringify(version) ?? "missing"}, expected 2`);
  }
  if (typeof own === "string" && own !== "") {
    if (declaredType !== undefined && declaredType !== own) {
      throw new InvalidManifestError(
        `mediaType is ${JSON.stringify(own)}, but it was sent as ${declaredType}`,
      );
    }
    return own;
  }
  const looksLikeIndex = json["manifests"] !== undefined && json["config"] === undefined;
  const inferred = looksLikeIndex ? OCI_INDEX : OCI_MANIFEST;
  if (declaredType === undefined) return inferred;
  if (KINDS.get(declaredType) !== KINDS.get(inferred)) {
    throw new InvalidManifestError(`the content is ${inferred}, but it was sent as ${declaredType}`);
  }
  if (declaredType !== inferred) {
    throw new InvalidManifestError(`mediaType is missing, it must be ${JSON.stringify(declaredType)}`);
  }
  return declaredType;
}

function schema1Layers(json: Record<string, unknown>): Descriptor[] {
  const layers = json["fsLayers"];
  if (!Array.isArray(layers)) throw new InvalidManifestError("fsLayers is not a list");
  return layers.map((layer: unknown, index) => ({
    mediaType: "application/vnd.docker.image.rootfs.diff.tar.gzip",
    digest: digest(isObject(layer) ? layer["blobSum"] : undefined, `fsLayers[${index}]`, "blobSum"),
    size: -1,
  }));
}

function descriptors(json: Record<string, unknown>, key: string): Descriptor[] {
  const list = json[key];
  if (!Array.isArray(list)) throw new InvalidManifestError(`${key} is not a list`);
  return list.map((item: unknown, index) => descriptor(item, `${key}[${index}]`));
}

function descriptor(value: unknown, where: string): Descriptor {
  if (!isObject(value)) throw new InvalidManifestError(`${where} is not a descriptor`);
  const mediaType = value["mediaType"];
  if (typeof mediaType !== "string") throw new InvalidManifestError(`${where}.mediaType is not a string`);
  const size = value["size"];
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new InvalidManifestError(`${where}.size is not a number of bytes`);
  }
  const result: Descriptor = { mediaType, digest: digest(value["digest"], where, "digest"), size };
  const artifactType = value["artifactType"];
  if (typeof artifactType === "string") result.artifactType = artifactType;
  const annotations = value["annotations"];
  if (!isNothing(annotations)) result.annotations = stringMap(annotations, `${where}.annotations`);
  const platform = platformOf(value["platform"]);
  if (platform) result.platform = platform;
  const urls = value["urls"];
  if (Array.isArray(urls)) result.urls = urls.filter((url): url is string => typeof url === "string");
  return result;
}

function digest(value: unknown, where: string, key: string): Digest {
  if (typeof value !== "string" || !isDigest(value)) {
    throw new InvalidManifestError(
      `${where}.${key} is ${JSON.stringify(value)?.slice(0, 200) ?? "missing"}, expected a sha256 or sha512 digest`,
    );
  }
  return value;
}

function platformOf(value: unknown): Platform | undefined {
  if (!isObject(value)) return undefined;
  const { os, architecture } = value;
  return typeof os === "string" && typeof architecture === "string" ? { os, architecture } : undefined;
}

function stringMap(value: unknown, where: string): Record<string, string> {
  if (!isObject(value)) throw new InvalidManifestError(`${where} is not an object`);
  if (!hasOnlyStrings(value)) {
    const key = Object.keys(value).find((name) => typeof value[name] !== "string");
    throw new InvalidManifestError(`${where}[${JSON.stringify(key)}] is not a string`);
  }
  return value;
}

function hasOnlyStrings(value: Record<string, unknown>): value is Record<string, string> {
  return Object.values(value).every((text) => typeof text === "string");
}

function isNothing(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
