import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { rawAsk, withoutChance } from "../../support/raw-answers.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

/*
 * Alice uploads to `theirs`; Mallory may do everything in `mine`, and knows the ids of Alice's uploads, as from a log.
 */
const access = new StubAccess({
  alice: [...everythingIn("theirs"), ...everythingIn("theirs/sub")],
  mallory: everythingIn("mine"),
  reader: ["theirs:pull"],
});
const METHODS = ["GET", "HEAD", "PATCH", "PUT", "DELETE"] as const;
const CONTENT = Buffer.from("what Alice has sent so far");
const UNKNOWN = "6ba7b810-9dad-41d1-80b4-00c04fd430c8";
const DIGEST = digestOf(CONTENT);

const driver = new MemoryDriver();
let server: InProcessServer;
/** Alice's upload, which has received CONTENT. */
let theirs: URL;
/** Mallory's own. */
let mine: URL;

beforeAll(async () => {
  server = await startInProcessServer({ access, driver });
});
afterAll(() => server.close());
beforeEach(async () => {
  theirs = await begin("alice", "theirs");
  const sent = await send("alice", theirs, "PATCH", CONTENT);
  expect(sent.status).toBe(202);
  theirs = new URL(sent.headers.get("location") ?? "");
  mine = await begin("mallory", "mine");
});

async function begin(user: string, name: string): Promise<URL> {
  const url = `${server.url}/v2/${name}/blobs/uploads/`;
  const response = await fetch(url, { method: "POST", headers: { Authorization: `Test ${user}` } });
  expect(response.status).toBe(202);
  return new URL(response.headers.get("location") ?? "");
}

function send(user: string, url: URL, method: string, body?: Buffer): Promise<Response> {
  const target = new URL(url);
  if (method === "PUT") target.searchParams.set("digest", DIGEST);
  const init = { method, headers: { Authorization: `Test ${user}` }, ...(body ? { body } : {}) };
  return fetch(target, init);
}

function idOf(url: URL): string {
  return url.pathname.slice(url.pathname.lastIndexOf("/") + 1);
}

/** Alice's upload as if it were in another repository, or another id, with or without a state. */
function variant(of: URL, change: { name?: string; id?: string; state?: string | null }): URL {
  const state = change.state === undefined ? of.searchParams.get("_state") : change.state;
  const url = new URL(`${server.url}/v2/${change.name ?? "theirs"}/blobs/uploads/${change.id ?? idOf(of)}`);
  if (state !== null) url.searchParams.set("_state", state);
  return url;
}

/** Whatever was tried: Alice's upload goes on where it was, and nobody has what is in it. */
async function expectUntouched(): Promise<void> {
  const status = await send("alice", theirs, "GET");
  expect(status.status).toBe(204);
  expect(status.headers.get("range")).toBe(`0-${CONTENT.length - 1}`);
  expect(await server.registry.repository("mine").blobs.sizeBytes(DIGEST)).toBeUndefined();
  expect((await send("alice", theirs, "PUT")).status).toBe(201);
}

describe("an upload of another repository", () => {
  it.each(METHODS)("is not reached by %s under the own repository's name", async (method) => {
    for (const state of [theirs, mine].map((url) => url.searchParams.get("_state")).concat(null, "")) {
      const response = await send("mallory", variant(theirs, { name: "mine", state }), method);
      expect(response.status).toBe(404);
      if (method !== "HEAD") {
        expect(await response.json()).toMatchObject({ errors: [{ code: "BLOB_UPLOAD_INVALID" }] });
      }
      expect(response.headers.get("location")).toBeNull();
      expect(response.headers.get("range")).toBeNull();
    }
    await expectUntouched();
  });

  it.each(METHODS)("is not reached by %s with its own state, but without rights", async (method) => {
    expect((await send("mallory", theirs, method)).status).toBe(401);
    await expectUntouched();
  });

  it("is not written by who may only read the repository", async () => {
    for (const method of ["PATCH", "PUT", "DELETE"]) {
      expect((await send("reader", theirs, method)).status).toBe(401);
    }
    await expectUntouched();
  });

  it("is answered like one that does not exist", async () => {
    const states = [mine.searchParams.get("_state"), theirs.searchParams.get("_state"), null, "eHh4"];
    for (const method of METHODS) {
      for (const state of states) {
        const ask = async (id: string): Promise<string> => {
          const { pathname, search } = variant(theirs, { name: "mine", id, state });
          const query = method === "PUT" ? `${search}${search ? "&" : "?"}digest=${DIGEST}` : search;
          const headers = ["Authorization: Test mallory"];
          return withoutChance(await rawAsk(server.port, pathname + query, { method, headers }));
        };
        expect(await ask(idOf(theirs))).toBe(await ask(UNKNOWN));
      }
    }
  });

  it.each([
    "mine/../theirs",
    "mine/blobs/uploads/../../../theirs",
    "mine%2f..%2ftheirs",
    "theirs%2f",
    "theirs/",
    "/theirs",
    "theirs/_uploads",
    "mine%00theirs",
    "THEIRS",
    "theirs ",
    "theirs%20",
    "%74heirs",
    "theirs/sub/..",
    "theirs;mine",
    "theirs%3f",
    "mine#theirs",
  ])("is not reached as one of %s", async (name) => {
    for (const url of [theirs, mine]) {
      const target = `/v2/${name}/blobs/uploads/${idOf(theirs)}${url.search}`;
      const headers = ["Authorization: Test mallory"];
      const answer = await rawAsk(server.port, target, { method: "PATCH", headers, body: "evil" });
      expect([400, 401, 404]).toContain(answer.status);
    }
    await expectUntouched();
  });

  it.each([
    "..",
    "../../theirs/_uploads/ID",
    "%2e%2e%2f%2e%2e%2ftheirs%2f_uploads%2fID",
    "ID/",
    "ID%00",
    ".",
    "",
  ])("is not reached by the id %s", async (id) => {
    const target = `/v2/mine/blobs/uploads/${id.replace("ID", idOf(theirs))}${mine.search}`;
    const headers = ["Authorization: Test mallory"];
    for (const method of ["GET", "PATCH"]) {
      const answer = await rawAsk(server.port, target, { method, headers, body: "evil" });
      expect([400, 401, 404, 405]).toContain(answer.status);
    }
    await expectUntouched();
  });
});

describe("the state of an upload", () => {
  it.each(METHODS)("is asked for by %s, also of who may write", async (method) => {
    const other = await begin("alice", "theirs");
    const stranger = await begin("alice", "theirs/sub");
    for (const state of [other, stranger, mine].map((url) => url.searchParams.get("_state"))) {
      expect((await send("alice", variant(theirs, { state }), method)).status).toBe(404);
    }
    for (const state of [null, "", "eHh4", "c1.eHh4", "AAAA".repeat(40)]) {
      expect((await send("alice", variant(theirs, { state }), method)).status).toBe(404);
    }
    await expectUntouched();
  });

  it("counts for its own repository only, though the same id were used in another", async () => {
    const id = idOf(theirs);
    await driver.put(`/docker/registry/v2/repositories/mine/_uploads/${id}/startedat`, Buffer.from("now"));
    const forged = variant(theirs, { name: "mine" });
    expect((await send("mallory", forged, "PATCH", CONTENT)).status).toBe(404);
    await expectUntouched();
  });

  it("of another secret is refused", async () => {
    const other = await startInProcessServer({ access, driver, secret: "another" });
    try {
      const url = `${other.url}${theirs.pathname}${theirs.search}`;
      const response = await fetch(url, { headers: { Authorization: "Test alice" } });
      expect(response.status).toBe(404);
    } finally {
      await other.close();
    }
    await expectUntouched();
  });

  it("is good as long as the upload lives: one from before the last chunk, and one of another node", async () => {
    const old = await begin("alice", "theirs");
    await send("alice", old, "PATCH", CONTENT);
    expect((await send("alice", old, "GET")).status).toBe(204);
    const node = await startInProcessServer({ access, driver });
    try {
      const finish = `${node.url}${old.pathname}${old.search}&digest=${DIGEST}`;
      const headers = { Authorization: "Test alice" };
      expect((await fetch(finish, { method: "PUT", headers })).status).toBe(201);
    } finally {
      await node.close();
    }
  });

  it("comes anew with a chunk out of order, without which nobody could go on", async () => {
    const headers = { Authorization: "Test alice", "Content-Range": "999-1001" };
    const wrong = await fetch(theirs, { method: "PATCH", headers, body: "abc" });
    expect(wrong.status).toBe(416);
    const again = new URL(wrong.headers.get("location") ?? "");
    expect((await send("alice", again, "GET")).status).toBe(204);
  });
});
