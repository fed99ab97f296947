import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { createS3Store } from "../../../src/storage/s3/create-s3-store.ts";
import { S3Driver } from "../../../src/storage/s3/s3-driver.ts";
import { s3ServerOfTest } from "../../support/s3-lane.ts";
import { serverOfTest } from "../../support/server-of-test.ts";

const blob = Buffer.from("a blob");
const digest = digestOf(blob);
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  config: { mediaType: "application/vnd.oci.empty.v1+json", digest, size: blob.length },
  layers: [],
});
const manifestDigest = digestOf(Buffer.from(manifest));
const typed = { headers: { "content-type": "application/vnd.oci.image.manifest.v1+json" } };

/** A registry over a bucket with one image, `a/b:v1`. */
async function registry() {
  const s3 = await s3ServerOfTest();
  const timeouts = { quickHeadersMs: 250, quickTotalMs: 400 };
  const driver = new S3Driver(createS3Store(s3.settings("registry"), { timeouts, random: () => 0 }));
  const { url } = await serverOfTest({ driver, settings: { redirect: { enabled: false, expiryMs: 1 } } });
  const ask = (method: string, path: string, init: RequestInit = {}) =>
    fetch(new URL(path, `${url}/v2/`), { method, ...init });
  expect((await ask("POST", `a/b/blobs/uploads/?digest=${digest}`, { body: blob })).status).toBe(201);
  expect((await ask("PUT", "a/b/manifests/v1", { body: manifest, ...typed })).status).toBe(201);
  return { s3, ask };
}

type Registry = Awaited<ReturnType<typeof registry>>;

/**
 * Asks when the store answers so many more requests, and then none.
 *
 * @returns the answer, and what the store was asked in vain
 */
async function askSilent({ s3 }: Registry, after: number, ask: () => Promise<Response>) {
  let left = after;
  s3.options.faults = () => (left-- > 0 ? undefined : "silent");
  s3.requests.splice(0);
  const answer = await ask();
  const silent = s3.requests.filter(({ fault }) => fault === "silent");
  return { answer, silent: silent.map(({ operation, key }) => `${operation} ${key}`) };
}

/**
 * Nobody has waited for a second request behind one that was given up after two attempts. Several at a time are one wait, and
 * what is cleared away behind the answer has had one attempt by then.
 */
function expectOneWait(silent: readonly string[]): void {
  const times = new Map<string, number>();
  const late = new Set<string>();
  for (const name of silent) {
    if (!times.has(name) && Math.max(0, ...times.values()) > 1) late.add(name);
    times.set(name, (times.get(name) ?? 0) + 1);
  }
  for (const name of late) expect(times.get(name), silent.join("\n")).toBe(1);
}

describe("a registry whose bucket takes requests and answers none", () => {
  it.each([
    ["GET", `a/b/blobs/${digest}`],
    ["HEAD", `a/b/blobs/${digest}`],
    ["GET", "a/b/manifests/v1"],
    ["HEAD", "a/b/manifests/v1"],
    ["GET", `a/b/manifests/${manifestDigest}`],
    ["PUT", "a/b/manifests/v2", { body: manifest, ...typed }],
    ["DELETE", `a/b/manifests/${manifestDigest}`],
    ["DELETE", "a/b/manifests/v1"],
    ["GET", "a/b/tags/list"],
    ["GET", `a/b/referrers/${digest}`],
    ["GET", "_catalog"],
    ["POST", "a/b/blobs/uploads/"],
    ["POST", `c/d/blobs/uploads/?mount=${digest}&from=a/b`],
    ["POST", `c/d/blobs/uploads/?digest=${digest}`, { body: blob }],
  ] as [string, string, RequestInit?][])(
    "says so to %s %s, from whatever moment on",
    async (method, path, init) => {
      for (let after = 0; ; after++) {
        const own = await registry();
        const { answer, silent } = await askSilent(own, after, () => own.ask(method, path, init));
        if (silent.length === 0) {
          expect(after).toBeGreaterThan(0);
          return;
        }
        expect(answer.status, silent.join("\n")).toBe(503);
        expectOneWait(silent);
      }
    },
  );

  it.each(["PATCH", "PUT", "GET", "DELETE"])("says so to %s of an upload", async (method) => {
    for (let after = 0; ; after++) {
      const own = await registry();
      const begun = await own.ask("POST", "a/b/blobs/uploads/");
      const location = new URL(begun.headers.get("location") ?? "");
      if (method === "PUT") location.searchParams.set("digest", digest);
      const init = method === "PATCH" || method === "PUT" ? { body: blob } : {};
      const { answer, silent } = await askSilent(own, after, () => own.ask(method, location.href, init));
      if (silent.length === 0) return;
      expect(answer.status, silent.join("\n")).toBe(503);
      expectOneWait(silent);
    }
  });
});
