import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseManifest } from "../../../src/oci/manifest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../../src/oci/media-types.ts";
import { parseAccept } from "../../../src/server/accept.ts";
import { negotiateManifest } from "../../../src/server/manifest-negotiation.ts";

const IMAGE = digestOf(Buffer.from("image"));

function image(mediaType: string) {
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: IMAGE, size: 1 };
  return parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, config, layers: [] })));
}

function index(mediaType: string, childType: string, architecture = "amd64") {
  const child = { mediaType: childType, digest: IMAGE, size: 1, platform: { os: "linux", architecture } };
  return parseManifest(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests: [child] })));
}

describe("negotiateManifest", () => {
  it("gives everything as stored to a client without preference", () => {
    for (const type of [OCI_MANIFEST, DOCKER_MANIFEST]) {
      expect(negotiateManifest(image(type), undefined, true).kind).toBe("as-stored");
    }
    expect(negotiateManifest(index(OCI_INDEX, OCI_MANIFEST), parseAccept("*/*"), true).kind).toBe(
      "as-stored",
    );
  });

  it.each([
    [OCI_INDEX, OCI_MANIFEST, OCI_MANIFEST],
    [OCI_INDEX, DOCKER_MANIFEST, DOCKER_MANIFEST],
    [DOCKER_MANIFEST_LIST, DOCKER_MANIFEST, DOCKER_MANIFEST],
    [DOCKER_MANIFEST_LIST, DOCKER_MANIFEST, "application/json"],
  ])("gives the linux/amd64 child of %s, a %s, to a client that takes %s", (list, child, accept) => {
    const chosen = negotiateManifest(index(list, child), parseAccept(accept), true);
    expect(chosen).toMatchObject({ kind: "child", child: { digest: IMAGE } });
  });

  it("gives no child where the client asks by digest", () => {
    expect(() =>
      negotiateManifest(index(OCI_INDEX, OCI_MANIFEST), parseAccept(OCI_MANIFEST), false),
    ).toThrow();
    const list = index(DOCKER_MANIFEST_LIST, DOCKER_MANIFEST);
    expect(negotiateManifest(list, parseAccept(DOCKER_MANIFEST), false).kind).toBe("as-stored");
  });

  it("explains why a client does not get what exists", () => {
    const refuse = () => negotiateManifest(image(OCI_MANIFEST), parseAccept(DOCKER_MANIFEST), true);
    expect(refuse).toThrow(
      expect.objectContaining({
        key: "MANIFEST_UNKNOWN",
        details: [expect.objectContaining({ mediaType: OCI_MANIFEST, accepted: [DOCKER_MANIFEST] })],
      }),
    );
  });

  it("refuses a list without linux/amd64 to a client that takes only images", () => {
    const list = index(DOCKER_MANIFEST_LIST, DOCKER_MANIFEST, "arm64");
    expect(() => negotiateManifest(list, parseAccept(DOCKER_MANIFEST), true)).toThrow(
      expect.objectContaining({ key: "MANIFEST_UNKNOWN" }),
    );
  });

  it("gives Docker's image manifests to anyone, as the Go registry does", () => {
    expect(negotiateManifest(image(DOCKER_MANIFEST), parseAccept("application/json"), true).kind).toBe(
      "as-stored",
    );
  });
});
