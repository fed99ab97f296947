import { UploadPartCommand } from "@aws-sdk/client-s3";
import { Agent } from "undici";
import { describe, expect, test } from "vitest";
import { createSdkClient } from "../../../../src/storage/s3/sdk-client.ts";
import { laneOf, plainServerOfTest } from "../../../support/s3-lane.ts";

const body = Buffer.alloc(16 * 1024 * 1024, "x");
/** None of them is as long as the server takes for the body. */
const timeouts = { headersMs: 1000, quickHeadersMs: 50, quickTotalMs: 60 };

async function slowServer() {
  const received: unknown[] = [];
  const server = await plainServerOfTest((request, response) => {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      request.pause();
      setTimeout(() => request.resume(), chunk.length / 4096);
    });
    request.on("end", () => {
      received.push([request.headers["content-length"], request.headers["transfer-encoding"], bytes]);
      response.end();
    });
  });
  return { server, received };
}

describe("a slow network", () => {
  const whole = [[String(body.length), undefined, body.length]];

  test("has its time for an object", async () => {
    const { server, received } = await slowServer();
    const { lane } = laneOf(server, { timeouts });
    await expect(lane.send({ method: "PUT", key: "a", body })).resolves.toMatchObject({ attempts: 1 });
    expect(received).toEqual(whole);
  });

  test("has its time for a part of an upload through a proxy", async () => {
    const { server, received } = await slowServer();
    const settings = server.settings("registry", { maxRetries: 0 });
    const impatient = new Agent().compose(
      (dispatch) => (options, handler) =>
        dispatch({ ...options, headersTimeout: timeouts.headersMs }, handler),
    );
    const rate = { take: () => undefined };
    const meters = { requests: {}, rate, proxied: { dispatcherFor: () => impatient } };
    const client = await createSdkClient(settings, meters);
    const part = { Bucket: "registry", Key: "a", UploadId: "u", PartNumber: 1, Body: body };
    await client.send(new UploadPartCommand(part));
    expect(received).toEqual(whole);
  });
});
