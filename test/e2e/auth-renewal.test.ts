import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it, onTestFinished } from "vitest";
import { digestGeneratedBlob, generateBlob } from "../support/generated-blob.ts";
import { startGitLabHost } from "../support/gitlab-host.ts";
import { TEST_CREDENTIALS } from "../support/gitlab-issuer-world.ts";
import { AUTH_CLIENTS } from "../support/logged-in-clients.ts";
import { createLayout, layoutBlobPath, writeLayoutBlob, writeLayoutRoot } from "../support/oci-layout.ts";
import { startPausingTunnel } from "../support/pausing-tunnel.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { LAYOUT_TAG } from "../support/real-images.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { attempt } from "../support/token-client.ts";

/** How long a token is good for after its expiry, here as in the Go registry, because clocks differ. */
const LEEWAY_SECONDS = 60;

/** Each client, what it pushes, and the request that is refused because the token expired while the layer was sent. */
const PUSHES = [
  { name: "crane", sizeBytes: 1024 ** 3, refused: "the end of the layer's upload" },
  { name: "oras", sizeBytes: 64 * 1024 ** 2, refused: "the manifest" },
] as const;

describeWithPrograms(["nginx", "crane", "oras"], "a token that expires while a layer is sent", () => {
  it.each(PUSHES)(
    "is renewed by $name, when $refused is refused, and nothing of the $sizeBytes bytes is lost",
    { timeout: 120_000 },
    async ({ name, sizeBytes, refused }) => {
      // Tokens come so late that they are good for eight seconds more.
      const host = await startGitLabHost({ lifetimeSeconds: 300, ageSeconds: 300 + LEEWAY_SECONDS - 8 });
      onTestFinished(() => host.stop());
      const tunnel = await startPausingTunnel(host.registry, sizeBytes / 2, async () => {
        const last = host.issuer.requests.findLast(({ status }) => status === 200)?.expiresAt ?? 0;
        while (Date.now() / 1000 < last + LEEWAY_SECONDS + 2) await new Promise((go) => setTimeout(go, 100));
      });
      onTestFinished(() => tunnel.close());
      const folder = await temporaryFolder();
      const digest = await makeLayout(join(folder, "layout"), sizeBytes);
      const client = await AUTH_CLIENTS[name]({ ...host, registry: tunnel.address }, folder);
      await client.login(TEST_CREDENTIALS.developer);

      await client.push(join(folder, "layout"), "team/private-open/big");

      expect(tunnel.pauses).toBe(1);
      const awaited = name === "crane" ? `digest=${encodeURIComponent(digest)}` : "/manifests/";
      const log = (await host.nginx.accessLog()).filter(
        (line) => line.startsWith("PUT") && line.includes(awaited),
      );
      expect(
        log.map((line) => line.split(" ").at(-1)),
        refused,
      ).toEqual(["401", "201"]);
      const head = {
        method: "HEAD",
        url: `https://${host.registry}/v2/team/private-open/big/blobs/${digest}`,
      };
      const { answer } = await attempt(head, TEST_CREDENTIALS.developer);
      expect(answer.status).toBe(200);
      expect(answer.headers["content-length"]).toBe(String(sizeBytes));
    },
  );
});

/** An image with one layer of this size. @returns the layer's digest */
async function makeLayout(layout: string, sizeBytes: number): Promise<string> {
  await createLayout(layout);
  const digest = digestGeneratedBlob(sizeBytes);
  await pipeline(Readable.from(generateBlob(sizeBytes)), createWriteStream(layoutBlobPath(layout, digest)));
  const config = await writeLayoutBlob(layout, "application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digest] },
  });
  const layers = [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest, size: sizeBytes }];
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = await writeLayoutBlob(layout, mediaType, { schemaVersion: 2, mediaType, config, layers });
  await writeLayoutRoot(layout, manifest, LAYOUT_TAG);
  return digest;
}
