import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import {
  descriptorOf,
  imageManifest,
  indexManifest,
  pushBlob,
  pushImage,
  pushManifest,
} from "../../support/push-image.ts";

let server: InProcessServer;
const TAGS = ["1.0", "2.0", "A", "Z", "_x", "a", "latest"];

beforeAll(async () => {
  server = await startInProcessServer({ settings: { tagsMaxTags: 5, catalogMaxEntries: 4 } });
  for (const tag of [...TAGS].reverse()) await pushImage(server.url, "lists/tags", "same", tag);
  for (const name of ["a", "a-b", "a/b", "a0"]) await pushImage(server.url, name, "same", "latest");
  await pushBlob(server.url, "only/blobs", "no manifest");
});
afterAll(() => server.close());

interface Page {
  status: number;
  entries: string[];
  next: string | undefined;
}

async function page(path: string): Promise<Page> {
  const response = await fetch(new URL(path, server.url));
  const body = (await response.json()) as { tags?: string[]; repositories?: string[] };
  const next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get("link") ?? "")?.[1];
  return { status: response.status, entries: body.tags ?? body.repositories ?? [], next };
}

async function allPages(path: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let next: string | undefined = path; next !== undefined; ) {
    const answer: Page = await page(next);
    pages.push(answer.entries);
    next = answer.next;
  }
  return pages;
}

describe("the list of tags", () => {
  it("is sorted and whole", async () => {
    const response = await fetch(`${server.url}/v2/lists/tags/tags/list`);
    expect(response.headers.get("content-type")).toBe("application/json");
    expect(response.headers.get("link")).toBeNull();
    expect(await response.json()).toEqual({ name: "lists/tags", tags: TAGS });
  });

  it("comes in pages that lead to one another", async () => {
    const pages = await allPages("/v2/lists/tags/tags/list?n=3");
    expect(pages).toEqual([TAGS.slice(0, 3), TAGS.slice(3, 6), TAGS.slice(6)]);
  });

  it("has no link where the last page is full", async () => {
    expect(await allPages("/v2/lists/tags/tags/list?n=1&last=a")).toEqual([["latest"]]);
  });

  it("starts behind `last`, whether that exists or not", async () => {
    expect((await page("/v2/lists/tags/tags/list?last=A")).entries).toEqual(["Z", "_x", "a", "latest"]);
    expect((await page("/v2/lists/tags/tags/list?last=B")).entries).toEqual(["Z", "_x", "a", "latest"]);
    expect((await page("/v2/lists/tags/tags/list?last=zzz")).entries).toEqual([]);
  });

  it("gives nothing and no link for n=0", async () => {
    expect(await page("/v2/lists/tags/tags/list?n=0")).toEqual({ status: 200, entries: [], next: undefined });
  });

  it("cuts n to tags.maxtags", async () => {
    const answer = await page("/v2/lists/tags/tags/list?n=100");
    expect(answer.entries).toEqual(TAGS.slice(0, 5));
    expect(answer.next).toBeDefined();
  });

  it.each(["-1", "x", "1.5", "99999999999999999999"])("refuses n=%s", async (n) => {
    const response = await fetch(`${server.url}/v2/lists/tags/tags/list?n=${n}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ errors: [{ code: "PAGINATION_NUMBER_INVALID" }] });
  });

  it("is not known for a repository that does not exist", async () => {
    for (const path of ["/v2/no/such/tags/list", "/v2/no/such/tags/list?n=0", "/v2/only/blobs/tags/list"]) {
      const response = await fetch(server.url + path);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ errors: [{ code: "NAME_UNKNOWN" }] });
    }
  });
});

describe("the catalog", () => {
  const names = ["a", "a-b", "a/b", "a0", "lists/tags"];

  it("is sorted, in pages that lead to one another", async () => {
    expect(await allPages("/v2/_catalog?n=2")).toEqual([
      names.slice(0, 2),
      names.slice(2, 4),
      names.slice(4),
    ]);
    expect(await allPages("/v2/_catalog")).toEqual([names.slice(0, 4), names.slice(4)]);
  });

  it("refuses more than catalog.maxentries", async () => {
    const answer = await page("/v2/_catalog?n=5");
    expect(answer.status).toBe(400);
    expect((await page("/v2/_catalog?n=4")).status).toBe(200);
  });

  it("gives nothing and no link for n=0", async () => {
    expect(await page("/v2/_catalog?n=0")).toEqual({ status: 200, entries: [], next: undefined });
  });
});

describe("the list of referrers", () => {
  const name = "with/referrers";

  async function referrers(
    digest: string,
    query = "",
  ): Promise<{ response: Response; body: { manifests: object[] } }> {
    const response = await fetch(`${server.url}/v2/${name}/referrers/${digest}${query}`);
    return { response, body: (await response.json()) as { manifests: object[] } };
  }

  it("is an empty index for what nothing refers to", async () => {
    const digest = digestOf(Buffer.from("unknown"));
    for (const repository of [name, "no/such"]) {
      const response = await fetch(`${server.url}/v2/${repository}/referrers/${digest}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe(OCI_INDEX);
      expect(await response.json()).toEqual({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] });
    }
  });

  it("refuses a digest that is none", async () => {
    const { response } = await referrers("sha256:bad");
    expect(response.status).toBe(400);
  });

  it("filters by a type whose + is not escaped, as people write it", async () => {
    const image = await pushImage(server.url, name, "with spdx");
    const config = await pushBlob(server.url, name, "{}");
    const artifactType = "application/spdx+json";
    const manifest = imageManifest(config, [], { subject: descriptorOf(image), artifactType });
    const { digest } = await pushManifest(server.url, name, manifest);
    for (const written of [artifactType, encodeURIComponent(artifactType)]) {
      const { body } = await referrers(image.digest, `?artifactType=${written}`);
      expect(body.manifests, written).toEqual([expect.objectContaining({ digest })]);
    }
  });

  it("lists artifacts, indexes and entries of the fallback tag, with a filter", async () => {
    const image = await pushImage(server.url, name, "base", "base");
    const subject = descriptorOf(image);
    const config = await pushBlob(server.url, name, "{}");
    const annotations = { "org.example.kind": "sbom" };
    const sbom = await pushManifest(
      server.url,
      name,
      imageManifest(config, [], { subject, artifactType: "application/vnd.sbom", annotations }),
    );
    const plain = await pushManifest(server.url, name, imageManifest(config, [], { subject }));
    const index = await pushManifest(
      server.url,
      name,
      indexManifest([], { subject, artifactType: "application/vnd.x" }),
    );
    const old = await pushImage(server.url, name, "pushed by an old client");
    await pushManifest(
      server.url,
      name,
      indexManifest([{ ...descriptorOf(old), artifactType: "application/vnd.old" }]),
      image.digest.replace(":", "-"),
    );
    const { response, body } = await referrers(image.digest);
    expect(response.headers.get("oci-filters-applied")).toBeNull();
    expect(body.manifests).toHaveLength(4);
    expect(body.manifests).toEqual(
      expect.arrayContaining([
        { ...descriptorOf(sbom), mediaType: OCI_MANIFEST, artifactType: "application/vnd.sbom", annotations },
        expect.objectContaining({
          digest: plain.digest,
          artifactType: "application/vnd.oci.image.config.v1+json",
        }),
        { ...descriptorOf(index), artifactType: "application/vnd.x" },
        expect.objectContaining({ digest: old.digest, artifactType: "application/vnd.old" }),
      ]),
    );
    const filtered = await referrers(image.digest, "?artifactType=application/vnd.sbom");
    expect(filtered.response.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(filtered.body.manifests).toMatchObject([{ digest: sbom.digest }]);
  });
});
