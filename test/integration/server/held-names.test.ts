import { request } from "node:http";
import { expect, it } from "vitest";
import { pushImage } from "../../support/push-image.ts";
import { serverOfTest } from "../../support/server-of-test.ts";

it("refuses writes to held repositories for a moment, and serves everything else", async () => {
  const server = await serverOfTest();
  const image = await pushImage(server.url, "held/app", "x", "latest");
  await pushImage(server.url, "free", "x", "latest");
  await server.control.holdNames([{ name: "held", isProject: true }], 1000);
  const writes = [
    ["POST", "/v2/held/app/blobs/uploads/"],
    ["PUT", "/v2/held/app/manifests/other"],
    ["DELETE", "/v2/held/app/manifests/latest"],
    ["DELETE", `/v2/held/app/blobs/${image.layer.digest}`],
  ];
  for (const [method, path] of writes) {
    const response = await fetch(`${server.url}${path}`, { method: `${method}` });
    expect(response.status, `${method} ${path}`).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
  }
  expect((await fetch(`${server.url}/v2/held/app/manifests/latest`)).status).toBe(200);
  await pushImage(server.url, "free", "y", "more");
  await pushImage(server.url, "heldback", "y", "more");
  await server.control.holdNames([], 0);
  await pushImage(server.url, "held/app", "y", "more");
});

it("cuts nobody off who writes to names that are let go before the time is over", async () => {
  const server = await serverOfTest();
  const begun = await fetch(`${server.url}/v2/held/blobs/uploads/`, { method: "POST" });
  const address = new URL(begun.headers.get("location") ?? "", server.url);
  const slow = request(address, {
    method: "PATCH",
    headers: { "content-type": "application/octet-stream" },
  });
  const status = new Promise((resolve, reject) => {
    slow.on("response", (response) => resolve(response.resume().statusCode)).on("error", reject);
  });
  slow.write("begun ");
  await expect.poll(() => server.control.load().uploadsInFlight).toBe(1);
  const held = server.control.holdNames([{ name: "held", isProject: false }], 100);
  await server.control.holdNames([], 0);
  expect(await held).toBe(0);
  slow.end("and ended");
  expect(await status).toBe(202);
});

it("holds a name without those below it", async () => {
  const server = await serverOfTest();
  await server.control.holdNames([{ name: "held", isProject: false }], 0);
  expect((await fetch(`${server.url}/v2/held/blobs/uploads/`, { method: "POST" })).status).toBe(503);
  expect((await fetch(`${server.url}/v2/held/app/blobs/uploads/`, { method: "POST" })).status).toBe(202);
});
