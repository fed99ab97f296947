import { type Digest, type DigestAlgorithm, digestOf } from "../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/oci/media-types.ts";

/** An object as it was pushed. */
export interface Pushed {
  digest: Digest;
  bytes: Buffer;
  mediaType: string;
}

/** A descriptor of something that was pushed. */
export function descriptorOf(pushed: Pushed): { mediaType: string; digest: Digest; size: number } {
  return { mediaType: pushed.mediaType, digest: pushed.digest, size: pushed.bytes.length };
}

/** Pushes a blob by POST and PUT. */
export async function pushBlob(
  url: string,
  name: string,
  content: string | Uint8Array,
  options: { mediaType?: string; algorithm?: DigestAlgorithm } = {},
): Promise<Pushed> {
  const bytes = Buffer.from(content);
  const digest = digestOf(bytes, options.algorithm);
  const start = await fetch(`${url}/v2/${name}/blobs/uploads/`, { method: "POST" });
  const location = new URL(start.headers.get("location") ?? "", url);
  location.searchParams.set("digest", digest);
  const finish = await fetch(location, { method: "PUT", body: bytes });
  if (finish.status !== 201) throw new Error(`pushing a blob gave ${finish.status}: ${await finish.text()}`);
  return { digest, bytes, mediaType: options.mediaType ?? "application/vnd.oci.image.layer.v1.tar+gzip" };
}

/** Sends a manifest, of the media type that it names itself. */
export function putManifest(
  url: string,
  name: string,
  reference: string,
  manifest: Record<string, unknown>,
): Promise<Response> {
  return fetch(`${url}/v2/${name}/manifests/${reference}`, {
    method: "PUT",
    headers: { "Content-Type": String(manifest["mediaType"]) },
    body: JSON.stringify(manifest),
  });
}

/** Pushes a manifest under a tag, or under its digest if there is no tag. */
export async function pushManifest(
  url: string,
  name: string,
  manifest: Record<string, unknown>,
  tag?: string,
): Promise<Pushed> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const response = await putManifest(url, name, tag ?? digest, manifest);
  if (response.status !== 201) {
    throw new Error(`pushing a manifest gave ${response.status}: ${await response.text()}`);
  }
  return { digest, bytes, mediaType: String(manifest["mediaType"]) };
}

/** The JSON of an image manifest. */
export function imageManifest(config: Pushed, layers: Pushed[], more: object = {}): Record<string, unknown> {
  return {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { ...descriptorOf(config), mediaType: "application/vnd.oci.image.config.v1+json" },
    layers: layers.map(descriptorOf),
    ...more,
  };
}

/** The JSON of an index. */
export function indexManifest(manifests: object[], more: object = {}): Record<string, unknown> {
  return { schemaVersion: 2, mediaType: OCI_INDEX, manifests, ...more };
}

/** Pushes an image with one layer; `seed` makes its bytes its own. */
export async function pushImage(
  url: string,
  name: string,
  seed: string,
  tag?: string,
  more: object = {},
): Promise<Pushed & { config: Pushed; layer: Pushed }> {
  const config = await pushBlob(url, name, JSON.stringify({ seed }));
  const layer = await pushBlob(url, name, `layer of ${seed}`);
  const manifest = await pushManifest(url, name, imageManifest(config, [layer], more), tag);
  return { ...manifest, config, layer };
}
