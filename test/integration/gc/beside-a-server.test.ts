import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { collect } from "../../support/collect.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { type PushedImage, RegistryHttp } from "../../support/registry-http.ts";

const MANIFEST = { accept: "application/vnd.oci.image.manifest.v1+json" };

let folder: string;
let server: InProcessServer;
let client: RegistryHttp;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-gc-"));
  server = await startInProcessServer({ driver: new FilesystemDriver({ rootDirectory: folder }) });
  client = new RegistryHttp(server.url);
});

afterEach(async () => {
  client.close();
  await server.close();
  await rm(folder, { recursive: true });
});

/** Collects through a driver of its own, as another process does. */
async function collectElsewhere() {
  return collect(new FilesystemDriver({ rootDirectory: folder }), { deleteUntagged: true });
}

async function statusOf(method: string, path: string): Promise<number> {
  return (await client.send(method, path, { headers: MANIFEST })).status;
}

/** Asks for everything of an image by GET and HEAD. */
async function statuses({ repository, manifestDigest, blobDigests }: PushedImage): Promise<Set<number>> {
  const seen = new Set<number>();
  for (const method of ["GET", "HEAD"]) {
    seen.add(await statusOf(method, `/v2/${repository}/manifests/${manifestDigest}`));
    for (const digest of blobDigests) seen.add(await statusOf(method, `/v2/${repository}/blobs/${digest}`));
  }
  return seen;
}

describe("a server that runs on, read-only meanwhile, after a collection by another process", () => {
  it("does not say that what was deleted exists, although it has served it", async () => {
    const old = await client.pushImage("app", "latest", [Buffer.from("old layer")]);
    expect(await statuses(old)).toEqual(new Set([200]));
    const current = await client.pushImage("app", "latest", [Buffer.from("new layer")]);

    expect((await collectElsewhere()).deleted).toMatchObject({ blobs: 3, manifests: 1 });

    expect(await statuses(old)).toEqual(new Set([404]));
    await client.expectComplete(current);
  });

  it("refuses a manifest whose layers were deleted, and mounts none of them", async () => {
    const old = await client.pushImage("app", "latest", [Buffer.from("old layer")]);
    const manifest = await client.send("GET", `/v2/app/manifests/${old.manifestDigest}`, {
      headers: MANIFEST,
    });
    await client.pushImage("app", "latest", [Buffer.from("new layer")]);
    await collectElsewhere();

    const push = await client.send("PUT", "/v2/app/manifests/back", {
      headers: { "content-type": MANIFEST.accept },
      body: manifest.body,
    });
    expect([push.status, push.body.toString()]).toEqual([
      400,
      expect.stringContaining("MANIFEST_BLOB_UNKNOWN"),
    ]);
    const [digest] = old.blobDigests;
    expect(await statusOf("POST", `/v2/other/blobs/uploads/?mount=${digest}&from=app`)).toBe(202);
  });

  it("takes the same image again and serves it whole", async () => {
    const layer = Buffer.from("old layer");
    await client.pushImage("app", "latest", [layer]);
    await client.pushImage("app", "latest", [Buffer.from("new layer")]);
    await collectElsewhere();

    const again = await client.pushImage("app", "back", [layer]);

    await client.expectComplete(again);
    expect((await collectElsewhere()).deleted).toMatchObject({ blobs: 0, manifests: 0 });
  });
});
