import { describe, expect, it } from "vitest";
import { RegistryTree } from "../../support/registry-tree.ts";
import { type FaultKind, faultsByPlan, type PlannedFault } from "../../support/s3-server/faults.ts";
import type { Habits } from "../../support/s3-server/objects.ts";
import type { S3Server } from "../../support/s3-server/s3-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { faultyServer, impatientDriver, newBucket } from "./faulty-store.ts";

const LOST: FaultKind[] = ["reset-before", "reset-after", "internal-error"];
const CURRENT = /\/tags\/v1\/current\/link$/;
const REVISION = /\/_manifests\/revisions\/.*\/link$/;

describe("a change of a link on S3 of which one attempt got no answer", () => {
  it.each(LOST)("is told, though the next one succeeded (%s)", async (fault) => {
    const { s3, driver } = await openStore();
    const told: string[] = [];
    const end = driver.watchUndecided((path) => told.push(path));
    s3.options.faults = faultsByPlan([{ fault, operation: "PutObject" }]);
    await driver.put("/a", Buffer.from("1"));
    s3.options.faults = faultsByPlan([{ fault, operation: "DeleteObject" }]);
    await driver.delete("/a");
    await driver.put("/b", Buffer.from("1"));
    s3.options.faults = faultsByPlan([{ fault, operation: "DeleteObjects" }]);
    await driver.deleteMany(["/b"]);
    expect(told).toEqual(["/a", "/a", "/b"]);
    end();
    s3.options.faults = faultsByPlan([{ fault, operation: "PutObject" }]);
    await driver.put("/a", Buffer.from("1"));
    expect(told).toHaveLength(3);
  });

  it("is not told where the store has said that nothing will come of it", async () => {
    const { s3, driver } = await openStore();
    const told: string[] = [];
    driver.watchUndecided((path) => told.push(path));
    s3.options.faults = faultsByPlan([{ fault: "slow-down", operation: "PutObject" }]);
    await driver.put("/a", Buffer.from("1"));
    expect(told).toEqual([]);
  });

  it.each([
    ["a tag", "manifests/v1", CURRENT],
    ["a manifest", "manifests/DIGEST", REVISION],
    ["a tag of a manifest", "manifests/DIGEST", CURRENT],
    ["a blob", "blobs/LAYER", /\/_layers\/.*\/link$/],
  ])("keeps %s refused that a client has deleted", async (_what, path, key) => {
    const { server, image, layer, fail } = await openServer();
    const target = path.replace("DIGEST", image.digest).replace("LAYER", layer.digest);
    fail({ fault: "reset-before", operation: "DeleteObject", key });
    const answer = await fetch(`${server.url}/v2/app/${target}`, { method: "DELETE" });
    expect(answer.status).toBe(202);
    expect(server.coordination.undecidedRemovals).toContain(true);
  });

  it("keeps nothing refused where a delete was answered", async () => {
    const { server } = await openServer();
    const answer = await fetch(`${server.url}/v2/app/manifests/v1`, { method: "DELETE" });
    expect(answer.status).toBe(202);
    expect(server.coordination.undecidedRemovals).toEqual([false]);
  });

  it("keeps a tag only from being moved back, if the store can bind a write to what it replaces", async () => {
    const { server, image, other, s3, push, fail } = await openServer();
    fail({ fault: "late", operation: "PutObject", key: CURRENT });
    expect((await push(other)).status).toBe(201);
    expect(server.coordination.refused).toEqual([
      { keys: [`app:v1=${image.digest}`, `app@${other.digest}`], content: other.digest },
    ]);
    expect((await push(image)).status).toBe(201);
    expect(s3.carryOutLate()).toBe(1);
  });

  it("has no effect, when it is carried out, on a tag that has been moved on", async () => {
    const { server, other, third, s3, push, fail } = await openServer();
    fail({ fault: "late", operation: "PutObject", key: CURRENT });
    expect((await push(other)).status).toBe(201);
    expect((await push(third)).status).toBe(201);
    expect(s3.carryOutLate()).toBe(0);
    const head = await fetch(`${server.url}/v2/app/manifests/v1`, { method: "HEAD" });
    expect(head.headers.get("docker-content-digest")).toBe(third.digest);
  });

  it("keeps a new tag only from being removed", async () => {
    const { server, image, push, fail } = await openServer();
    await fetch(`${server.url}/v2/app/manifests/v1`, { method: "DELETE" });
    fail({ fault: "reset-before", operation: "PutObject", key: CURRENT });
    expect((await push()).status).toBe(201);
    const link = `app@${image.digest}`;
    expect(server.coordination.refused).toEqual([{ keys: ["app:v1=", link], content: image.digest }]);
  });

  it("is no matter where the same is pushed again", async () => {
    const { server, push, fail } = await openServer();
    fail({ fault: "reset-before", operation: "PutObject", key: CURRENT });
    expect((await push()).status).toBe(201);
    expect(server.coordination.refused).toEqual([]);
  });

  it("keeps a tag from being moved, and its manifest from being deleted, before a push is answered", async () => {
    const { server, image, push, fail } = await openServer({ ignoresConditionalPuts: true });
    fail({ fault: "reset-before", operation: "PutObject", key: CURRENT });
    expect((await push()).status).toBe(201);
    expect(server.coordination.refused).toEqual([
      { keys: ["app:v1", `app@${image.digest}`], content: image.digest },
    ]);
  });

  it("does the same where the push fails at last", async () => {
    const { server, image, push, fail } = await openServer({ ignoresConditionalPuts: true });
    fail({ fault: "reset-before", operation: "PutObject", key: CURRENT, times: 1000 });
    expect((await push()).status).toBe(503);
    expect(server.coordination.refused).toEqual([
      { keys: ["app:v1", `app@${image.digest}`], content: image.digest },
    ]);
  });

  it("keeps only the manifest from being deleted where its own link may come late", async () => {
    const { server, image, push, fail } = await openServer();
    fail({ fault: "reset-after", operation: "PutObject", key: REVISION });
    expect((await push()).status).toBe(201);
    expect(server.coordination.refused).toEqual([{ keys: [`app@${image.digest}`], content: image.digest }]);
  });

  it("is no matter for what else the same push writes, nor for what others write", async () => {
    const { server, push, fail } = await openServer();
    fail({ fault: "reset-after", operation: "PutObject", key: /\/data$|\/index\// });
    expect((await push()).status).toBe(201);
    expect(server.coordination.refused).toEqual([]);
  });
});

async function openStore(
  habits: Partial<Habits> = {},
): Promise<{ s3: S3Server; driver: ReturnType<typeof impatientDriver> }> {
  const s3 = await faultyServer({ habits });
  return { s3, driver: impatientDriver(s3, newBucket(s3), { maxRetries: 2 }) };
}

async function openServer(habits: Partial<Habits> = {}) {
  const { s3, driver } = await openStore(habits);
  const app = new RegistryTree(driver).repository("app");
  const layer = await app.layer("layer");
  const image = await app.image("one", [layer], { tag: "v1" });
  const [other, third] = [await app.image("two", [layer]), await app.image("three", [layer])];
  const server = await serverOfTest({ driver });
  const push = async (pushed = image): Promise<Response> => {
    const hex = pushed.digest.slice("sha256:".length);
    const body = await driver.get(`/docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
    const headers = { "content-type": pushed.mediaType };
    return fetch(`${server.url}/v2/app/manifests/v1`, { method: "PUT", headers, body });
  };
  return {
    ...{ s3, server, image, other, third, layer, push },
    fail: (planned: PlannedFault): void => {
      s3.options.faults = faultsByPlan([planned]);
    },
  };
}
