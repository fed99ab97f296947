import { GetObjectCommand, HeadObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { type S3Server, startS3Server } from "../../../support/s3-server/s3-server.ts";

let s3: S3Server;
let lines: string[];

beforeAll(async () => {
  s3 = await startS3Server();
});
afterAll(() => s3.close());

function storeWith(logLevel: string) {
  lines = [];
  return createS3Store(s3.settings("registry", { logLevel }), {
    random: () => 0,
    onRequest: (line) => void lines.push(line.replace(/\d+ ms$/, "N ms")),
  });
}

describe("the log of requests", () => {
  it("has a line for each request of the lane, with its outcome", async () => {
    const { lane } = storeWith("debug");
    await lane.send({ method: "PUT", key: "a/b", body: Buffer.from("secret content") });
    await lane.send({ method: "GET", query: { "list-type": "2", prefix: "a/" } });
    const answer = await lane.open({ method: "GET", key: "a/b" });
    answer.body.resume();
    await expect(lane.send({ method: "GET", key: "none" })).rejects.toThrow();
    expect(lines).toEqual([
      "s3: PUT object a/b: 200 in N ms",
      "s3: LIST a/: 200 in N ms",
      "s3: GET object a/b: 200 in N ms",
      "s3: GET object none: 404 NoSuchKey in N ms",
    ]);
  });

  it("has a line for each request of the SDK", async () => {
    const store = storeWith("debug");
    await store.lane.send({ method: "PUT", key: "c", body: Buffer.from("content") });
    const sdk = await store.sdk();
    const answer = await sdk.send(new GetObjectCommand({ Bucket: "registry", Key: "c" }));
    await answer.Body?.transformToByteArray();
    await expect(sdk.send(new HeadObjectCommand({ Bucket: "registry", Key: "none" }))).rejects.toThrow();
    expect(lines.slice(1)).toEqual(["s3: GET object c: 200 in N ms", "s3: HEAD object none: 404 in N ms"]);
  });

  it("says how many attempts a request took", async () => {
    const { lane } = storeWith("debug");
    s3.options.faults = faultsByPlan([{ fault: "slow-down" }]);
    await lane.send({ method: "PUT", key: "d", body: Buffer.from("x") });
    s3.options.faults = undefined;
    expect(lines).toEqual(["s3: PUT object d: 200 at attempt 2 in N ms"]);
  });

  it("is empty where the settings do not ask for it", async () => {
    const { lane } = storeWith("off");
    await lane.send({ method: "PUT", key: "e", body: Buffer.from("x") });
    expect(lines).toEqual([]);
  });
});
