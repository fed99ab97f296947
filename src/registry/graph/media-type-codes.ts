import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../oci/media-types.ts";

/**
 * Media types by code, counted from 1. Records on disk hold the codes: the list may only grow at its end, and only
 * together with the version of the records.
 */
const USUAL_TYPES = [
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_EMPTY,
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.oci.image.layer.nondistributable.v1.tar",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
  "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.diff.tar",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.diff.tar.zstd",
  "application/vnd.docker.image.rootfs.foreign.diff.tar",
  "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  "application/vnd.in-toto+json",
  "application/vnd.dev.cosign.simplesigning.v1+json",
  "application/vnd.cncf.helm.config.v1+json",
  "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
  "application/vnd.buildkit.cacheconfig.v0",
] as const;

/** How many media types have a code of their own in every record. */
export const USUAL_TYPE_COUNT = USUAL_TYPES.length;
/** The code of what is not known. */
export const NO_TYPE = 0;
/** The code of a media type that is not kept, because there are too many or its name is too long. */
export const OTHER_TYPE = 255;

const CODES: ReadonlyMap<string, number> = new Map(USUAL_TYPES.map((type, index) => [type, index + 1]));

/** @returns the code of a usual media type; undefined for another */
export function usualTypeCode(mediaType: string): number | undefined {
  return CODES.get(mediaType);
}

/** Gives each media type a number from 1 to 254; usual ones have their code. */
export class MediaTypeNames {
  readonly #names: (string | undefined)[] = [undefined, ...USUAL_TYPES];
  readonly #codes = new Map(CODES);

  /** @returns the number of a media type; {@link OTHER_TYPE} if there are too many */
  intern(mediaType: string): number {
    const known = this.#codes.get(mediaType);
    if (known !== undefined) return known;
    if (this.#names.length >= OTHER_TYPE) return OTHER_TYPE;
    this.#names.push(mediaType);
    this.#codes.set(mediaType, this.#names.length - 1);
    return this.#names.length - 1;
  }

  /** @returns undefined for {@link NO_TYPE} and {@link OTHER_TYPE} */
  nameOf(code: number): string | undefined {
    return this.#names[code];
  }
}
