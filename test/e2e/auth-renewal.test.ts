import { createWriteStream } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it, onTestFinished } from "vitest";
import { digestGeneratedBlob, generateBlob } from "../support/generated-blob.ts";
import { startGitLabHost } from "../support/gitlab-host.ts";
import { TEST_CREDENTIALS } from "../support/gitlab-issuer-world.ts";
import { run } from "../support/image-clients.ts";
import { createLayout, layoutBlobPath, writeLayoutBlob, writeLayoutRoot } from "../support/oci-layout.ts";
import { startPausingTunnel } from "../support/pausing-tunnel.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { LAYOUT_TAG } from "../support/real-images.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { attempt } from "../support/token-client.ts";

const BLOB_BYTES = 1024 ** 3;

/** How long a token is good for after its expiry, here as in the Go registry, because clocks differ. */
const LEEWAY_SECONDS = 60;

describeWithPrograms(["nginx", "crane"], "a push of 1 GiB", () => {
  it("goes on with a new token when the old one expires halfway", { timeout: 120_000 }, async () => {
    // Tokens come so late that they are good for eight seconds more.
    const host = await startGitLabHost({ lifetimeSeconds: 300, ageSeconds: 300 + LEEWAY_SECONDS - 8 });
    onTestFinished(() => host.stop());
    const tunnel = await startPausingTunnel(host.registry, BLOB_BYTES / 2, async () => {
      const last = host.issuer.requests.findLast(({ status }) => status === 200)?.expiresAt ?? 0;
      while (Date.now() / 1000 < last + LEEWAY_SECONDS + 2) await new Promise((go) => setTimeout(go, 100));
    });
    onTestFinished(() => tunnel.close());
    const folder = await temporaryFolder();
    const digest = await makeBigLayout(join(folder, "layout"));
    const env = { DOCKER_CONFIG: join(folder, "docker"), SSL_CERT_FILE: host.certificate };
    await mkdir(env.DOCKER_CONFIG);
    await writeFile(join(env.DOCKER_CONFIG, "config.json"), "{}");
    const { username, password } = TEST_CREDENTIALS.developer;
    await run("crane", ["auth", "login", tunnel.address, "-u", username, "-p", password], env);

    await run("crane", ["push", join(folder, "layout"), `${tunnel.address}/team/private-open/big:v1`], env);

    expect(tunnel.pauses).toBe(1);
    // The answers for the layer's upload: all its bytes with the old token, its end first with the old and then with a
    // new one.
    const uploads = (await host.nginx.accessLog()).filter((line) => line.includes("/team/private-open/big/"));
    const end = `digest=${encodeURIComponent(digest)}`;
    const ends = uploads.filter((line) => line.startsWith("PUT") && line.includes(end));
    expect(ends.map((line) => line.split(" ").at(-1))).toEqual(["401", "201"]);
    expect(uploads.filter((line) => /^PATCH .* 202$/.test(line))).toHaveLength(2);
    const head = { method: "HEAD", url: `https://${host.registry}/v2/team/private-open/big/blobs/${digest}` };
    const { answer } = await attempt(head, TEST_CREDENTIALS.developer);
    expect(answer.status).toBe(200);
    expect(answer.headers["content-length"]).toBe(String(BLOB_BYTES));
  });
});

/** An image with one layer of {@link BLOB_BYTES}. @returns the layer's digest */
async function makeBigLayout(layout: string): Promise<string> {
  await createLayout(layout);
  const digest = digestGeneratedBlob(BLOB_BYTES);
  await pipeline(Readable.from(generateBlob(BLOB_BYTES)), createWriteStream(layoutBlobPath(layout, digest)));
  const config = await writeLayoutBlob(layout, "application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digest] },
  });
  const layers = [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: BLOB_BYTES }];
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeLayoutBlob(layout, mediaType, { schemaVersion: 2, mediaType, config, layers });
  await writeLayoutRoot(layout, manifest, LAYOUT_TAG);
  return digest;
}
