import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RegistryHttp, sha256 } from "../support/registry-http.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type S3ServerOptions, startS3Server } from "../support/s3-server/s3-server.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/**
 * A server on a bucket that knows nothing of what clients have relied on, with a tag that was moved: on object stores
 * leases hold for an hour at the least, so that another server, with another state folder, has taken the pushes.
 */
async function registryOnBucket(options: S3ServerOptions = {}) {
  const s3 = await startS3Server();
  const folder = await temporaryFolder();
  const keys = {
    ...{ bucket: "registry", region: "us-east-1", regionendpoint: s3.endpoint },
    ...{ accesskey: "testaccess", secretkey: "testsecret1234567890" },
  };
  const lines = Object.entries(keys).map(([name, value]) => `    ${name}: ${value}\n`);
  const storage = `  s3:\n${lines.join("")}  redirect:\n    disable: true\n`;
  const start = (name: string): Promise<ServeProcess> =>
    startServe({ rootDirectory: join(folder, name), storage, moreConfig: "gc: {reviewafter: -1}\n" });
  const earlier = await start("earlier");
  const pusher = new RegistryHttp(earlier.url);
  await pusher.pushImage("app", "latest", [Buffer.from("old")]);
  const current = await pusher.pushImage("app", "latest", [Buffer.from("current")]);
  pusher.close();
  await earlier.stop();
  Object.assign(s3.options, options);
  const server = await start("registry");
  const rootDirectory = join(folder, "registry");
  const client = new RegistryHttp(server.url);
  onTestFinished(async () => {
    client.close();
    await server.stop();
    await s3.close();
  });
  const collect = () =>
    runRegistryCtl([
      ...["garbage-collect", "-m", "--grace", "0", "--json"],
      ...["--state-dir", `${rootDirectory}.state`, server.configPath],
    ]);
  return { client, current, collect };
}

it("collects a bucket while its server serves", { timeout: 60_000 }, async () => {
  const { client, current, collect } = await registryOnBucket();

  const { stdout, stderr, exitCode } = await collect();

  expect(exitCode, stderr).toBe(0);
  expect(stderr).toContain("mode: online:");
  expect(JSON.parse(stdout)).toMatchObject({
    deleted: { blobs: 3, manifests: 1, layerLinks: 2 },
    failed: [],
  });
  await client.expectComplete(current);
  const again = await client.pushImage("app", "again", [Buffer.from("old")]);
  await client.expectComplete(again);
});

it("leaves alone what was pushed within the hour, whatever gc.reviewafter says, as a link of it may come late", {
  timeout: 60_000,
}, async () => {
  const { client, collect } = await registryOnBucket();
  const untagged = await client.pushImage("app", "moved", [Buffer.from("just pushed")]);
  await client.pushImage("app", "moved", [Buffer.from("pushed afterwards")]);

  const { stdout, stderr, exitCode } = await collect();

  expect(exitCode, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ deleted: { blobs: 3, manifests: 1 } });
  const paths = [
    `manifests/${untagged.manifestDigest}`,
    ...untagged.blobDigests.map((digest) => `blobs/${digest}`),
  ];
  const answers = await Promise.all(paths.map((path) => client.send("GET", `/v2/app/${path}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
});

it("keeps clients from what the store may still delete, as an answer was lost", {
  timeout: 60_000,
}, async () => {
  let deletes = 0;
  const { client, current, collect } = await registryOnBucket({
    // The last one has the blobs; a second attempt has an answer, and the first may be carried out later still.
    faults: ({ operation }) => (operation === "DeleteObjects" && ++deletes === 4 ? "reset-after" : undefined),
  });

  const { stdout, stderr, exitCode } = await collect();

  expect(exitCode, stderr).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ deleted: { blobs: 3 }, failed: [] });
  const content = Buffer.from("old");
  const location = await client.startUpload("app");
  const separator = location.includes("?") ? "&" : "?";
  const finished = await client.send("PUT", `${location}${separator}digest=${sha256(content)}`, {
    body: content,
  });
  expect(finished.status).toBe(503);
  expect(Number(finished.headers["retry-after"])).toBeGreaterThan(0);
  await client.expectComplete(current);
  const other = await client.pushImage("app", "other", [Buffer.from("another")]);
  await client.expectComplete(other);
});
