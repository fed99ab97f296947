import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3ConnectionError } from "../../../../src/storage/s3/s3-lane.ts";
import { laneOf, putText, s3ServerOfTest } from "../../../support/s3-lane.ts";
import { type FaultKind, faultsByPlan } from "../../../support/s3-server/faults.ts";

describe("cancelling", () => {
  test("ends a request under way", async () => {
    const s3 = await s3ServerOfTest({ latencyMs: 10_000 });
    const stop = new AbortController();
    const request = laneOf(s3).lane.send({ method: "GET", key: "a", signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(request).rejects.toThrow(CancelledError);
  });

  test("ends a pause between attempts", async () => {
    const s3 = await s3ServerOfTest({ faults: () => "slow-down" });
    const { lane } = createS3Store(s3.settings("registry", { maxRetries: 50 }), { random: () => 1 });
    const stop = new AbortController();
    const request = lane.send({ method: "GET", key: "a", signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(request).rejects.toThrow(CancelledError);
  });

  test("asks nothing of the store if it was before", async () => {
    const s3 = await s3ServerOfTest();
    const request = laneOf(s3).lane.send({ method: "GET", key: "a", signal: AbortSignal.abort() });
    await expect(request).rejects.toThrow(CancelledError);
    expect(s3.requests).toHaveLength(0);
  });

  test("breaks a stream off", async () => {
    const s3 = await s3ServerOfTest({ faults: () => "slow-body" });
    s3.options.faults = undefined;
    const { lane } = laneOf(s3);
    await putText(lane, "a", "x".repeat(100_000));
    s3.options.faults = () => "slow-body";
    const stop = new AbortController();
    const { body } = await lane.open({ method: "GET", key: "a", signal: stop.signal });
    const read = buffer(body);
    stop.abort();
    await expect(read).rejects.toThrow(CancelledError);
  });
});

describe("streams", () => {
  const MIB = 1024 * 1024;

  test("give all bytes, to a slow reader too", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    const content = Buffer.alloc(5 * MIB, "0123456789abcdef!");
    await lane.send({ method: "PUT", key: "a", body: content });
    const { body, headers, attempts } = await lane.open({ method: "GET", key: "a" });
    expect([headers["content-length"], attempts]).toEqual([String(content.length), 1]);
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      await new Promise((resolve) => setImmediate(resolve));
      chunks.push(chunk);
    }
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test("keep no more than a little of what nobody reads", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await lane.send({ method: "PUT", key: "a", body: Buffer.alloc(20 * MIB) });
    const { body } = await lane.open({ method: "GET", key: "a" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(body.readableLength).toBeLessThan(MIB);
    body.destroy();
  });

  test.each<FaultKind>(["cut-body"])("break off with an error at %s", async (fault) => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await putText(lane, "a", "x".repeat(10_000));
    s3.options.faults = () => fault;
    const { body } = await lane.open({ method: "GET", key: "a" });
    await expect(buffer(body)).rejects.toThrow(S3ConnectionError);
  });

  test("are tried again until their first byte", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await putText(lane, "a", "content");
    s3.options.faults = faultsByPlan([{ fault: "slow-down" }, { fault: "reset-before" }]);
    const { body, attempts } = await lane.open({ method: "GET", key: "a" });
    expect((await buffer(body)).toString()).toBe("content");
    expect(attempts).toBe(3);
  });

  test("refuse like other requests", async () => {
    const { lane } = laneOf(await s3ServerOfTest());
    await expect(lane.open({ method: "GET", key: "missing" })).rejects.toMatchObject({ code: "NoSuchKey" });
  });

  test("that are destroyed early leave the lane working", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await lane.send({ method: "PUT", key: "a", body: Buffer.alloc(5 * MIB) });
    for (let round = 0; round < 5; round++) (await lane.open({ method: "GET", key: "a" })).body.destroy();
    expect((await lane.send({ method: "HEAD", key: "a" })).status).toBe(200);
  });
});
