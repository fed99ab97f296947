import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";

const CONFIG = "application/vnd.oci.image.config.v1+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

/** Something that may be pushed. */
export interface Content {
  readonly digest: Digest;
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** A manifest with what it refers to. */
export interface ManifestContent extends Content {
  readonly blobs: readonly Content[];
  readonly children: readonly ManifestContent[];
  readonly subject: ManifestContent | undefined;
}

/** A few layers that images have in common, so that what one client removes another one needs. */
export const LAYERS: readonly Content[] = ["a", "b", "c", "d"].map((name) =>
  contentOf(Buffer.from(`layer ${name}`), LAYER),
);

/** Images, indexes of them, and what refers to them as its subject. */
export const MANIFESTS: readonly ManifestContent[] = makeManifests();

const BY_DIGEST = new Map(MANIFESTS.map((each) => [each.digest, each]));

/** @returns the manifest with a digest */
export function manifestOf(digest: string): ManifestContent | undefined {
  return BY_DIGEST.get(digest as Digest);
}

function makeManifests(): ManifestContent[] {
  const [a, b, c, d] = LAYERS as [Content, Content, Content, Content];
  const images = [image("one", [a, b]), image("two", [b, c]), image("three", [c, d]), image("four", [a, d])];
  const [one, two, three, four] = images as [
    ManifestContent,
    ManifestContent,
    ManifestContent,
    ManifestContent,
  ];
  const first = index([one, two]);
  const second = index([two, three]);
  const nested = index([first, four]);
  const signature = image("signature of one", [d], one);
  return [...images, first, second, nested, signature];
}

function image(name: string, layers: readonly Content[], subject?: ManifestContent): ManifestContent {
  const config = contentOf(Buffer.from(`{"name":"${name}"}`), CONFIG);
  const json = {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: describe(config),
    layers: layers.map(describe),
    ...(subject === undefined ? {} : { subject: describe(subject) }),
  };
  const content = contentOf(Buffer.from(JSON.stringify(json)), OCI_MANIFEST);
  return { ...content, blobs: [config, ...layers], children: [], subject };
}

function index(children: readonly ManifestContent[]): ManifestContent {
  const json = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: children.map(describe) };
  const content = contentOf(Buffer.from(JSON.stringify(json)), OCI_INDEX);
  return { ...content, blobs: [], children, subject: undefined };
}

function contentOf(bytes: Buffer, mediaType: string): Content {
  return { digest: digestOf(bytes), bytes, mediaType };
}

function describe({ digest, mediaType, bytes }: Content): {
  digest: Digest;
  mediaType: string;
  size: number;
} {
  return { digest, mediaType, size: bytes.length };
}
