import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Digest, digestOf } from "../../../src/oci/digest.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../../src/oci/media-types.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { imageManifest, indexManifest, type Pushed, pushBlob, pushImage } from "../../support/push-image.ts";
import { type RawOptions, rawAsk, withoutChance } from "../../support/raw-answers.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

/*
 * Mallory may do everything in `mine` and nothing anywhere else. Of what is in `theirs` Mallory knows the digests, and
 * wants to learn whether they are there, or to get the bytes. Each question is asked twice, about something that another
 * repository has and about something that nobody has: the answers must not differ in a byte.
 */
const access = new StubAccess({
  mallory: everythingIn("mine"),
  mounter: [...everythingIn("mine"), "*:pull"],
});
const MALLORY = "Authorization: Test mallory";
const NOWHERE = digestOf(Buffer.from("nobody has this"));

const driver = new MemoryDriver();
let server: InProcessServer;
let theirs: Pushed & { config: Pushed; layer: Pushed };
let own: Pushed & { config: Pushed; layer: Pushed };

beforeAll(async () => {
  const open = await startInProcessServer({ driver });
  theirs = await pushImage(open.url, "theirs", "Alice's", "v1");
  own = await pushImage(open.url, "mine", "Mallory's", "v1");
  await open.close();
  server = await startInProcessServer({ access, driver });
  // What is in memory after its owner has read it must be as far away as what is in the store.
  await server.registry.repository("theirs").manifests.get(theirs.digest);
  await server.registry.repository("theirs").referrers.of(theirs.digest);
});
afterAll(() => server.close());

/** Asks about a digest, and gives all of the answer but the digest's own text. */
async function about(digest: Digest, target: string, options: RawOptions = {}): Promise<string> {
  const put = (text: string): string => text.replaceAll("DIGEST", digest);
  const answer = await rawAsk(server.port, put(target), {
    headers: [MALLORY],
    ...options,
    ...(options.body === undefined ? {} : { body: put(options.body) }),
  });
  const sent = options.body === undefined ? "no body" : digestOf(Buffer.from(put(options.body)));
  return withoutChance(answer, { [digest]: "DIGEST", [sent]: "SENT" });
}

async function expectSame(target: string, options: RawOptions = {}, digests?: Digest[]): Promise<string> {
  const all = digests ?? [theirs.digest, theirs.layer.digest, theirs.config.digest];
  const nothing = await about(NOWHERE, target, options);
  for (const digest of all) expect(await about(digest, target, options), target).toBe(nothing);
  return nothing;
}

async function ownedByMine(digest: Digest): Promise<boolean> {
  const { blobs, manifests } = server.registry.repository("mine");
  return (await blobs.sizeBytes(digest)) !== undefined || (await manifests.isLinked(digest));
}

describe("what only another repository has", () => {
  it.each([
    ["GET", "/v2/mine/blobs/DIGEST"],
    ["HEAD", "/v2/mine/blobs/DIGEST"],
    ["DELETE", "/v2/mine/blobs/DIGEST"],
    ["GET", "/v2/mine/manifests/DIGEST"],
    ["HEAD", "/v2/mine/manifests/DIGEST"],
    ["DELETE", "/v2/mine/manifests/DIGEST"],
    ["GET", "/v2/mine/referrers/DIGEST"],
    ["HEAD", "/v2/mine/referrers/DIGEST"],
  ])("is not there for %s %s", async (method, target) => {
    const answer = await expectSame(target, { method });
    expect(answer).toMatch(target.includes("referrers") ? /^HTTP\/1\.1 200 / : /^HTTP\/1\.1 404 /);
  });

  it("is not told from nothing by conditions or ranges", async () => {
    for (const header of [
      'If-None-Match: "DIGEST"',
      "If-None-Match: *",
      "Range: bytes=0-0",
      "Range: bytes=99999-",
    ]) {
      for (const kind of ["blobs", "manifests"]) {
        const ask = async (digest: Digest): Promise<string> =>
          about(digest, `/v2/mine/${kind}/DIGEST`, { headers: [MALLORY, header.replace("DIGEST", digest)] });
        expect(await ask(theirs.digest)).toBe(await ask(NOWHERE));
        expect(await ask(theirs.layer.digest)).toBe(await ask(NOWHERE));
      }
    }
  });

  it("cannot be referred to by a manifest, and its size is not told", async () => {
    for (const size of [theirs.layer.bytes.length, 1]) {
      const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: "DIGEST", size };
      const manifest = { ...imageManifest(own.config, []), layers: [layer] };
      const answer = await expectSame("/v2/mine/manifests/evil", {
        method: "PUT",
        headers: [MALLORY, `Content-Type: ${OCI_MANIFEST}`],
        body: JSON.stringify(manifest),
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*MANIFEST_BLOB_UNKNOWN/s);
    }
  });

  it("cannot be listed in an index", async () => {
    for (const size of [theirs.bytes.length, 1]) {
      const index = indexManifest([{ mediaType: OCI_MANIFEST, digest: "DIGEST", size }]);
      const answer = await expectSame("/v2/mine/manifests/evil", {
        method: "PUT",
        headers: [MALLORY, `Content-Type: ${OCI_INDEX}`],
        body: JSON.stringify(index),
      });
      expect(answer).toMatch(/^HTTP\/1\.1 400 .*MANIFEST_BLOB_UNKNOWN/s);
    }
  });

  it("may be named as a subject or as a foreign layer, which tells and gives nothing", async () => {
    const named = { mediaType: OCI_MANIFEST, digest: "DIGEST", size: 1 };
    const foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for (const more of [
      { subject: named },
      { layers: [{ ...named, mediaType: foreign, urls: ["https://x/"] }] },
    ]) {
      const body = JSON.stringify({ ...imageManifest(own.config, []), ...more });
      const headers = [MALLORY, `Content-Type: ${OCI_MANIFEST}`];
      const answer = await expectSame("/v2/mine/manifests/named", { method: "PUT", headers, body });
      expect(answer).toMatch(/^HTTP\/1\.1 201 /);
      for (const digest of [theirs.digest, theirs.layer.digest, theirs.config.digest]) {
        expect(await ownedByMine(digest)).toBe(false);
        expect(await about(digest, "/v2/mine/blobs/DIGEST")).toMatch(/^HTTP\/1\.1 404 /);
      }
    }
  });

  it("is not had by who claims its digest for other bytes", async () => {
    const whole = { method: "POST", body: "other bytes" };
    const answer = await expectSame("/v2/mine/blobs/uploads/?digest=DIGEST", whole);
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*DIGEST_INVALID/s);
    await expectSame("/v2/mine/blobs/uploads/?digest=DIGEST", { method: "POST", body: "" });
    expect(await ownedByMine(theirs.layer.digest)).toBe(false);
    const kept = await server.registry.repository("theirs").blobs.sizeBytes(theirs.layer.digest);
    expect(kept).toBe(theirs.layer.bytes.length);
  });

  it("shows neither in the referrers of the own repository nor in its tags", async () => {
    const listed = await about(theirs.digest, "/v2/mine/referrers/DIGEST");
    expect(listed).not.toContain("theirs");
    const tags = await rawAsk(server.port, "/v2/mine/tags/list?last=&n=1000", { headers: [MALLORY] });
    expect(tags.body).not.toContain("theirs");
  });
});

describe("a repository without rights", () => {
  const TARGETS = [
    ["GET", "/v2/NAME/tags/list"],
    ["GET", "/v2/NAME/manifests/v1"],
    ["HEAD", "/v2/NAME/manifests/v1"],
    ["PUT", "/v2/NAME/manifests/v1"],
    ["DELETE", "/v2/NAME/manifests/v1"],
    ["DELETE", "/v2/NAME/tags/reference/v1"],
    ["GET", "/v2/NAME/blobs/LAYER"],
    ["HEAD", "/v2/NAME/blobs/LAYER"],
    ["GET", "/v2/NAME/manifests/MANIFEST"],
    ["HEAD", "/v2/NAME/manifests/MANIFEST"],
    ["GET", "/v2/NAME/referrers/MANIFEST"],
    ["POST", "/v2/NAME/blobs/uploads/"],
    ["POST", "/v2/NAME/blobs/uploads/?mount=LAYER&from=mine"],
  ] as const;

  it.each(TARGETS)("is answered like one that does not exist: %s %s", async (method, target) => {
    for (const who of [[], [MALLORY], ["Authorization: Test nobody"], ["Authorization: Test"]]) {
      const ask = async (name: string, blob: Digest, manifest: Digest): Promise<string> => {
        const url = target.replace("NAME", name).replace("LAYER", blob).replace("MANIFEST", manifest);
        const answer = await rawAsk(server.port, url, { method, headers: who });
        expect(answer.status).toBe(401);
        return withoutChance(answer, { [name]: "NAME" });
      };
      expect(await ask("theirs", theirs.layer.digest, theirs.digest)).toBe(
        await ask("nobody", NOWHERE, NOWHERE),
      );
    }
  });

  it("is in no catalog that is given out", async () => {
    for (const target of ["/v2/_catalog", "/v2/_catalog?n=1&last=t", "/v2/%5fcatalog"]) {
      for (const headers of [[], [MALLORY]]) {
        const answer = await rawAsk(server.port, target, { headers });
        expect(answer.status).toBe(401);
        expect(answer.head + answer.body).not.toContain("theirs");
      }
    }
  });

  it("is not told from one that does not exist by methods that nobody may use", async () => {
    for (const method of ["OPTIONS", "TRACE", "PROPFIND", "COPY", "LINK"]) {
      const ask = async (name: string): Promise<string> => {
        const answer = await rawAsk(server.port, `/v2/${name}/manifests/v1`, { method, headers: [MALLORY] });
        return withoutChance(answer, { [name]: "NAME" });
      };
      expect(await ask("theirs"), method).toBe(await ask("nobody"));
    }
  });
});

describe("mounting", () => {
  const start = "/v2/mine/blobs/uploads/";

  it.each([
    `${start}?mount=DIGEST`,
    `${start}?mount=DIGEST&from=`,
    `${start}?mount=DIGEST&from=mine`,
    `${start}?from=&mount=DIGEST&mount=DIGEST`,
    `${start}?mount=DIGEST&from=mine&from=theirs`,
    `${start}?mount=DIGEST&from=&from=theirs`,
    `${start}?mount=DIGEST&From=theirs`,
    `${start}?mount=DIGEST;from=theirs`,
    `${start}?mount=DIGEST&amp%3bfrom=theirs`,
  ])("gives nothing of another repository and tells nothing: %s", async (target) => {
    const answer = await expectSame(target, { method: "POST" });
    expect(answer).toMatch(target.includes(";") ? /^HTTP\/1\.1 400 / : /^HTTP\/1\.1 202 /);
    expect(await ownedByMine(theirs.layer.digest)).toBe(false);
  });

  it("is refused without rights on the source, whether it has the blob, lacks it, is not there or cannot be", async () => {
    const refused = new Set<string>();
    const sources = ["theirs", "nobody", "THEIRS", "theirs/..", "-", "theirs%2f", "%74heirs"];
    for (const from of [...sources, "theirs&from=mine", "theirs&from="]) {
      for (const digest of [theirs.layer.digest, theirs.digest, NOWHERE]) {
        const target = `${start}?mount=${digest}&from=${from}`;
        const answer = await rawAsk(server.port, target, { method: "POST", headers: [MALLORY] });
        expect(answer.status, from).toBe(401);
        const name = decodeURIComponent(from.split("&")[0] ?? "");
        refused.add(withoutChance(answer, { [`:${name}:pull`]: ":SOURCE:pull", [`"${name}"`]: '"SOURCE"' }));
      }
    }
    // The length of the body has the length of the name in it.
    expect(new Set([...refused].map((text) => text.replace(/^Content-Length: .*$/im, ""))).size).toBe(1);
    expect(await ownedByMine(theirs.layer.digest)).toBe(false);
  });

  it("answers who may pull everything alike for a source that lacks the blob, is not there or cannot be", async () => {
    const headers = ["Authorization: Test mounter"];
    const answers = new Set<string>();
    for (const from of ["theirs", "nobody", "THEIRS", "theirs%2f..%2fmine", "x".repeat(300)]) {
      answers.add(await about(NOWHERE, `${start}?mount=DIGEST&from=${from}`, { method: "POST", headers }));
    }
    expect(answers.size).toBe(1);
    expect([...answers][0]).toMatch(/^HTTP\/1\.1 202 /);
  });

  it("takes the first of several sources and digests, for access control as for the mount", async () => {
    const headers = ["Authorization: Test mounter"];
    const ask = (query: string): Promise<{ status: number }> =>
      rawAsk(server.port, `${start}?${query}`, { method: "POST", headers });
    access.asked.length = 0;
    expect((await ask(`mount=${theirs.layer.digest}&from=nobody&from=theirs`)).status).toBe(202);
    expect((await ask(`mount=${NOWHERE}&mount=${theirs.layer.digest}&from=theirs`)).status).toBe(202);
    expect(await ownedByMine(theirs.layer.digest)).toBe(false);
    expect(access.names).toEqual(["mine", "mine", "nobody", "mine", "mine", "theirs"]);
    expect((await ask(`mount=${theirs.layer.digest}&from=theirs&from=nobody`)).status).toBe(201);
    await server.registry.repository("mine").blobs.unlink(theirs.layer.digest);
  });

  it("keeps nothing of another repository from the collector for who has no rights on it", async () => {
    server.coordination.everPinned.clear();
    for (const query of [`mount=${theirs.layer.digest}&from=theirs`, `mount=${theirs.layer.digest}`]) {
      await rawAsk(server.port, `${start}?${query}`, { method: "POST", headers: [MALLORY] });
    }
    await rawAsk(server.port, `/v2/theirs/blobs/${theirs.layer.digest}`, { headers: [MALLORY] });
    expect([...server.coordination.everPinned]).toEqual([]);
  });
});

describe("without access control", () => {
  it("a mount needs no source, as everybody may read everything", async () => {
    const open = await startInProcessServer();
    try {
      const blob = await pushBlob(open.url, "theirs", "bytes");
      const target = `/v2/mine/blobs/uploads/?mount=${blob.digest}`;
      expect((await rawAsk(open.port, target, { method: "POST" })).status).toBe(201);
    } finally {
      await open.close();
    }
  });
});
