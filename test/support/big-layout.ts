import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { digestGeneratedBlob, generateBlob } from "./generated-blob.ts";
import {
  createLayout,
  type LayoutDescriptor,
  layoutBlobPath,
  writeLayoutBlob,
  writeLayoutRoot,
} from "./oci-layout.ts";
import { LAYOUT_TAG, type RealImage } from "./real-images.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** Clients copy what says that it is compressed as it is, without a look inside. */
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/**
 * Writes an image with layers of the given sizes, whose bytes cannot be compressed.
 *
 * @param folder - where the layout goes; it takes as much room as the layers have bytes
 */
export async function writeBigLayout(folder: string, layerBytes: readonly number[]): Promise<RealImage> {
  const layout = join(folder, "big-layout");
  await createLayout(layout);
  const layers: LayoutDescriptor[] = [];
  for (const [seed, size] of layerBytes.entries()) {
    const digest = digestGeneratedBlob(size, seed);
    const file = createWriteStream(layoutBlobPath(layout, digest), { highWaterMark: 1 << 22 });
    await pipeline(Readable.from(generateBlob(size, seed)), file);
    layers.push({ mediaType: LAYER, digest, size });
  }
  const config = await writeLayoutBlob(layout, CONFIG, {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const manifest = { schemaVersion: 2, mediaType: MANIFEST, config, layers };
  const root = await writeLayoutBlob(layout, MANIFEST, manifest);
  await writeLayoutRoot(layout, root, LAYOUT_TAG);
  return { layout, root };
}
