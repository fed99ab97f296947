import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findWrongBlobs } from "../support/check-blobs.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { skopeoCopy } from "../support/image-clients.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type Contents, expectAll, pushContent } from "../support/pushed-contents.ts";
import { type RealImage, realImages } from "../support/real-images.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(
  ["umoci", "docker-registry", "skopeo", "crane", "oras"],
  "the Go registry's store",
  () => {
    it("is served, written, cleaned and given back", { timeout: 300_000 }, async () => {
      const images = await realImages();
      const folder = await temporaryFolder();
      const rootDirectory = join(folder, "registry");
      const contents: Contents = new Map();

      await during(startGoRegistry({ rootDirectory }), async (go) => {
        await pushContent(go, contents, "go/team/image:v1", images.threePlatforms);
        await pushContent(go, contents, "go/team/nested:v1", images.nested);
        // An older build of the same tag stays behind as an untagged manifest, with a layer that nothing else has.
        await pushContent(go, contents, "go/team/moved:latest", images.big);
        await pushContent(go, contents, "go/team/moved:latest", images.single);
        await pushContent(
          go,
          contents,
          signatureTag("go/team/image", images.threePlatforms),
          images.signature,
        );
      });

      await during(startServe({ rootDirectory }), async (ours) => {
        await expectAll(ours, contents, folder);
        await pushContent(ours, contents, "our/image:v1", images.threePlatforms);
        await pushContent(ours, contents, "our/nested:v1", images.nested);
        await pushContent(ours, contents, "our/image:sbom", images.artifact);
        await pushContent(ours, contents, "our/moved:latest", images.big);
        await pushContent(ours, contents, "our/moved:latest", images.single);
        await pushContent(ours, contents, signatureTag("our/image", images.threePlatforms), images.signature);
        const list = `docker://${ours.address}/our/docker:v1`;
        await skopeoCopy(`oci:${images.threePlatforms.layout}:v1`, list, "--format", "v2s2");
      });

      await during(startGoRegistry({ rootDirectory }), (go) => expectAll(go, contents, folder));

      const collect = ["garbage-collect", "-m", "--grace", "0s", "--max-delete", "100%", "--json"];
      collect.push("--state-dir", `${rootDirectory}.state`);
      const dryRun = await runRegistryCtl([...collect, "--dry-run", `${rootDirectory}.config.yml`]);
      expect(dryRun.exitCode, dryRun.stderr).toBe(0);
      const collected = await runRegistryCtl([...collect, `${rootDirectory}.config.yml`]);
      expect(collected.exitCode, collected.stderr).toBe(0);
      expect(JSON.parse(dryRun.stdout).eligible).toEqual(JSON.parse(collected.stdout).deleted);
      expect(JSON.parse(collected.stdout).deleted.manifests).toBe(2);
      expect(JSON.parse(collected.stdout).deleted.bytes).toBeGreaterThan(1_000_000);

      for (const start of [startServe, startGoRegistry])
        await during(start({ rootDirectory }), async (server) => {
          await expectAll(server, contents, folder);
          const digest = images.big.root.digest;
          expect((await fetch(`${server.url}/v2/our/moved/manifests/${digest}`)).status).toBe(404);
          await skopeoCopy(`docker://${server.address}/our/docker:v1`, `dir:${join(folder, "docker")}`);
          await rm(join(folder, "docker"), { recursive: true });
        });
      expect((await findWrongBlobs(rootDirectory)).wrong).toEqual([]);
    });
  },
);

function signatureTag(repository: string, image: RealImage): string {
  return `${repository}:${image.root.digest.replace(":", "-")}.sig`;
}

async function during<T extends ServerProcess>(starting: Promise<T>, body: (server: T) => Promise<void>) {
  const server = await starting;
  try {
    await body(server);
  } finally {
    await server.stop();
  }
}
