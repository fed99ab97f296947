import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { isRepositoryName } from "../../../src/oci/reference.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type Pushed, pushImage } from "../../support/push-image.ts";
import { rawAsk } from "../../support/raw-answers.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

/*
 * Paths that access control could read as `mine`, where Mallory may do everything, and a handler as `theirs`.
 */
const access = new StubAccess({ mallory: everythingIn("mine") });
const headers = ["Authorization: Test mallory"];
const SECRET = "only Alice should read this";

const driver = new MemoryDriver();
let server: InProcessServer;
let theirs: Pushed & { layer: Pushed };

beforeAll(async () => {
  const open = await startInProcessServer({ driver });
  theirs = await pushImage(open.url, "theirs", SECRET, "v1", { annotations: { secret: SECRET } });
  await open.close();
  server = await startInProcessServer({ access, driver });
});
afterAll(() => server.close());
beforeEach(() => {
  access.asked.length = 0;
});

const TRICKS = [
  "/v2/mine/../theirs/REST",
  "/v2/mine/%2e%2e/theirs/REST",
  "/v2/mine/%2E%2E%2Ftheirs/REST",
  "/v2/mine%2f..%2ftheirs/REST",
  "/v2/mine/.%2e/theirs/REST",
  "/v2/mine/..;/theirs/REST",
  "/v2/mine/..\\theirs/REST",
  "/v2/mine/..%5ctheirs/REST",
  "/v2/mine%252f..%252ftheirs/REST",
  "/v2/mine/%252e%252e/theirs/REST",
  "/v2/mine/%c0%ae%c0%ae/theirs/REST",
  "/v2/mine/%c0%ae%c0%ae%c0%aftheirs/REST",
  "/v2/mine/%e0%80%ae%e0%80%ae/theirs/REST",
  "/v2/mine/%ef%bc%8e%ef%bc%8e/theirs/REST",
  "/v2/mine/%u002e%u002e/theirs/REST",
  "/v2/mine/REST/../../../theirs/REST",
  "/v2/mine/manifests/..%2f..%2ftheirs%2fmanifests%2fv1",
  "/v2/mine/manifests/v1%00/../../theirs/REST",
  "/v2//theirs/REST",
  "/v2/./theirs/REST",
  "/v2/theirs//REST",
  "//v2/theirs/REST",
  "/./v2/theirs/REST",
  "/v2/mine/..%00/theirs/REST",
  "/v2/theirs%00mine/REST",
  "/v2/theirs%00/REST",
  "/v2/theirs%0a/REST",
  "/v2/theirs%20/REST",
  "/v2/theirs;mine/REST",
  "/v2/theirs;/REST",
  "/v2/theirs%3f/REST",
  "/v2/theirs%23/REST",
  "/v2/mine#/../theirs/REST",
  "/v2/mine?/../theirs/REST",
  "/v2/THEIRS/REST",
  "/v2/Theirs/REST",
  "/v2/the%C4%B1rs/REST",
  "/v2/theirs./REST",
  "/v2/mine/_manifests/../../theirs/REST",
  "/v2/theirs/_manifests/REST",
  "/v2/theirs",
  "/v2/theirs/",
  "/v2/thei/REST",
  "/v2/theirs2/REST",
  "/v2/theirs/mine/REST",
  "/v2/mine/theirs/REST",
  "/V2/theirs/REST",
  "/v2/%74heirs/REST",
  "/v2/theirs/REST?name=mine&repository=mine&account=mallory&scope=repository:theirs:pull",
  "http://mine/v2/theirs/REST",
  "http://r.example@mine/v2/theirs/REST",
  "http://r.example/v2/mine/../theirs/REST",
  "http://r.example/?/v2/mine/REST",
  "http:///v2/theirs/REST",
  "https://r.example#/v2/theirs/REST",
  "HTTP://R.EXAMPLE/v2/theirs/REST",
];

/** What of `theirs` is asked for in the place of REST. */
const rests = (): string[] => [
  "manifests/v1",
  `manifests/${theirs.digest}`,
  `blobs/${theirs.layer.digest}`,
  "tags/list",
  `referrers/${theirs.digest}`,
];

/** Nothing of Alice's came out, and access control was asked about nothing that could be read in two ways. */
function expectNothing(answer: { status: number; head: string; body: string }, target: string): void {
  expect(answer.body, target).not.toContain("Alice");
  expect(answer.body, target).not.toContain('"v1"]');
  expect(answer.head, target).not.toContain(theirs.digest);
  expect([200, 400, 401, 404, 405], target).toContain(answer.status);
  for (const name of access.names) expect(isRepositoryName(name), `${target}: ${name}`).toBe(true);
}

describe("paths that could be read as another repository's", () => {
  it.each(TRICKS)("show nothing of it: %s", async (trick) => {
    for (const rest of rests()) {
      for (const method of ["GET", "HEAD"]) {
        const target = trick.replaceAll("REST", rest);
        expectNothing(await rawAsk(server.port, target, { method, headers }), target);
      }
    }
  });

  it.each(TRICKS)("change nothing in it: %s", async (trick) => {
    const { manifests, tags, blobs } = server.registry.repository("theirs");
    for (const rest of [...rests(), "tags/reference/v1", "blobs/uploads/"]) {
      for (const method of ["PUT", "POST", "PATCH", "DELETE"]) {
        const target = trick.replaceAll("REST", rest);
        const answer = await rawAsk(server.port, target, { method, headers, body: "{}" });
        expect([400, 401, 404, 405, 202], target).toContain(answer.status);
        if (answer.status === 202) expect(answer.head).toContain("/v2/mine/");
      }
    }
    expect(await tags.resolve("v1")).toBe(theirs.digest);
    expect(await manifests.isLinked(theirs.digest)).toBe(true);
    expect(await blobs.sizeBytes(theirs.layer.digest)).toBe(theirs.layer.bytes.length);
  });

  it("show nothing of it, however their parts are put together", async () => {
    const part = fc.constantFrom(
      ..."/ // . .. ; : ? # %2f %2F %5c %2e %2e%2e %00 %252f %0d%0a %c0%af mine theirs v2 _catalog".split(
        " ",
      ),
      ..."manifests blobs uploads tags list referrers reference _manifests _uploads v1".split(" "),
      theirs.digest,
      theirs.layer.digest,
    );
    const path = fc.array(part, { minLength: 1, maxLength: 9 }).map((parts) => parts.join("/"));
    const target = fc.tuple(fc.constantFrom("/v2/", "/v2", "//v2/", "/v2/mine/"), path, fc.boolean());
    await fc.assert(
      fc.asyncProperty(target, async ([start, middle, joined]) => {
        const text = start + (joined ? middle.replaceAll("/", "") : middle);
        access.asked.length = 0;
        expectNothing(await rawAsk(server.port, text, { headers }), text);
      }),
      { numRuns: 300 },
    );
  });

  it("are asked for by the same name that is then served", async () => {
    for (const [target, name] of [
      ["/v2/mine/manifests/v1", "mine"],
      ["/v2/%6dine/manifests/v1", "mine"],
      ["/v2/mine%2fmanifests/manifests/v1", "mine/manifests"],
      ["/v2/mine/manifests/manifests/v1", "mine/manifests"],
      ["/v2/mine/blobs/uploads/manifests/v1", "mine/blobs/uploads"],
      ["/v2/mine/tags/list/tags/list", "mine/tags/list"],
      ["http://theirs/v2/mine/manifests/v1", "mine"],
    ] as const) {
      access.asked.length = 0;
      await rawAsk(server.port, target, { headers });
      expect(access.asked, target).toEqual([[{ type: "repository", name, action: "pull" }]]);
    }
    access.asked.length = 0;
    const twice = await rawAsk(server.port, "/v2/mine%252fmanifests/manifests/v1", { headers });
    expect(twice.status).toBe(400);
    expect(access.asked).toEqual([]);
  });
});

describe("a prefix", () => {
  it("is not left and not hidden behind", async () => {
    const below = await startInProcessServer({ access, driver, http: { prefix: "/registry/" } });
    try {
      for (const target of [
        "/v2/theirs/manifests/v1",
        "/registry/../v2/theirs/manifests/v1",
        "/registry/v2/theirs/manifests/v1",
        "/registry%2fv2/theirs/manifests/v1",
        "/registryv2/theirs/manifests/v1",
        "/registry//v2/theirs/manifests/v1",
        "/REGISTRY/v2/theirs/manifests/v1",
      ]) {
        const answer = await rawAsk(below.port, target, { headers });
        expect([401, 404], target).toContain(answer.status);
        expectNothing(answer, target);
      }
    } finally {
      await below.close();
    }
  });
});

describe("the method of a request", () => {
  const OVERRIDES = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X-Original-Method"];

  it("is not changed by a header, a parameter or a form", async () => {
    const { tags } = server.registry.repository("theirs");
    const reader = await startInProcessServer({
      access: new StubAccess({ mallory: ["theirs:pull", "theirs:push"] }),
      driver,
    });
    try {
      for (const name of OVERRIDES) {
        const target = "/v2/theirs/manifests/v1?_method=DELETE&method=DELETE";
        const answer = await rawAsk(reader.port, target, { headers: [...headers, `${name}: DELETE`] });
        expect(answer.status).toBe(200);
        const form = [...headers, `${name}: DELETE`, "Content-Type: application/x-www-form-urlencoded"];
        const posted = { method: "POST", headers: form, body: "_method=DELETE" };
        expect((await rawAsk(reader.port, target, posted)).status).toBe(405);
      }
    } finally {
      await reader.close();
    }
    expect(await tags.resolve("v1")).toBe(theirs.digest);
  });

  it("decides what is asked for, and one that is not known is never let through to a handler", async () => {
    const known = async (method: string): Promise<string[]> => {
      access.asked.length = 0;
      await rawAsk(server.port, "/v2/theirs/manifests/v1", { method, headers });
      return access.asked.flat().map((each) => each.action);
    };
    expect(await known("GET")).toEqual(["pull"]);
    expect(await known("HEAD")).toEqual(["pull"]);
    for (const method of ["PUT", "PATCH", "POST"]) expect(await known(method)).toEqual(["pull", "push"]);
    expect(await known("DELETE")).toEqual(["delete"]);
    for (const method of ["OPTIONS", "TRACE", "PROPFIND", "MOVE", "LINK", "PURGE"]) {
      const answer = await rawAsk(server.port, "/v2/theirs/manifests/v1", { method, headers });
      expect([200, 405], method).toContain(answer.status);
      expect(answer.body).not.toContain("Alice");
    }
    for (const method of ["get", "Delete", "GE T", "CONNECT"]) {
      const answer = await rawAsk(server.port, "/v2/theirs/manifests/v1", { method, headers });
      expect([0, 400], method).toContain(answer.status);
    }
  });

  it("does not lead around access control by headers that name another URL", async () => {
    for (const name of [
      "X-Original-URL",
      "X-Rewrite-URL",
      "X-Forwarded-Uri",
      "X-Forwarded-Prefix",
      "Referer",
    ]) {
      const named = [...headers, `${name}: /v2/theirs/manifests/v1`];
      const answer = await rawAsk(server.port, "/v2/mine/manifests/v1", { headers: named });
      expect(answer.status, name).toBe(404);
      expect(answer.body).not.toContain("Alice");
    }
  });
});
