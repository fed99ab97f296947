import { createHash } from "node:crypto";
import { sha256 } from "../registry-http.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar";
const EMPTY = { mediaType: "application/vnd.oci.empty.v1+json", digest: sha256("{}"), size: 2 };

/** Bytes with their digest. */
export interface LiveObject {
  mediaType: string;
  digest: string;
  bytes: Buffer;
}

/** An index of two platforms with a referrer, always the same for the same number. */
export interface LiveImage {
  number: number;
  /** Every blob of both platforms and of the referrer. */
  blobs: LiveObject[];
  /** In the order in which a client pushes them: the index is the last but one, the referrer the last. */
  manifests: LiveObject[];
  index: LiveObject;
}

/** How large the layers are that only one image has. */
const OWN_LAYER_BYTES = 40_000;
const SHARED_LAYER_BYTES = 200_000;
/** Layers that images of one owner have in common: so many, of which each image has one. */
const SHARED_LAYERS = 4;

/**
 * Makes an image whose platforms have a layer of their own each, and one that other images of the owner have too.
 *
 * @param owner - images of different owners have nothing in common but the empty config of referrers
 */
export function liveImage(owner: string, number: number): LiveImage {
  const shared = layer(`${owner} shared ${number % SHARED_LAYERS}`, SHARED_LAYER_BYTES);
  const platforms = ["amd64", "arm64"].map((architecture) => {
    const own = layer(`${owner} ${number} ${architecture}`, OWN_LAYER_BYTES);
    const config = object(CONFIG, JSON.stringify({ architecture, os: "linux", created: `${number}`, owner }));
    const layers = [shared, own].map(descriptor);
    const manifest = object(
      MANIFEST,
      JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config: descriptor(config), layers }),
    );
    return { architecture, own, config, manifest };
  });
  const manifests = platforms.map(({ architecture, manifest }) => ({
    ...descriptor(manifest),
    platform: { architecture, os: "linux" },
  }));
  const index = object(INDEX, JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests }));
  const bill = object("text/plain", `bill of ${owner} ${number}`);
  const referrer = object(
    MANIFEST,
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MANIFEST,
      artifactType: "application/vnd.example.bill",
      config: EMPTY,
      layers: [descriptor(bill)],
      subject: descriptor(index),
    }),
  );
  const empty = object(EMPTY.mediaType, "{}");
  return {
    number,
    blobs: [shared, ...platforms.flatMap(({ own, config }) => [own, config]), bill, empty],
    manifests: [...platforms.map(({ manifest }) => manifest), index, referrer],
    index,
  };
}

function object(mediaType: string, text: string | Buffer): LiveObject {
  const bytes = Buffer.from(text);
  return { mediaType, digest: sha256(bytes), bytes };
}

function descriptor({ mediaType, digest, bytes }: LiveObject): {
  mediaType: string;
  digest: string;
  size: number;
} {
  return { mediaType, digest, size: bytes.length };
}

/** Bytes that follow from the seed. */
function layer(seed: string, sizeBytes: number): LiveObject {
  const chunks: Buffer[] = [];
  for (let length = 0; length < sizeBytes; length += 64)
    chunks.push(createHash("sha512").update(`${seed} ${length}`).digest());
  return object(LAYER, Buffer.concat(chunks).subarray(0, sizeBytes));
}
