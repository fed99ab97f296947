import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { runCollector } from "../support/collector-process.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type Contents, expectAll, pushContent } from "../support/pushed-contents.ts";
import { realImages } from "../support/real-images.ts";
import { RegistryHttp, sha256 } from "../support/registry-http.ts";
import { startServe } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(
  ["umoci", "docker-registry", "crane", "oras"],
  "a bucket that the Go registry uses too",
  () => {
    describeOnEachRgw("both programs", (version) => {
      it("serve at the same time what the other one pushed, and what is left after a collection", {
        timeout: 300_000,
      }, async () => {
        const images = await realImages();
        const folder = await temporaryFolder();
        const bucket = await bucketOfTest(version);
        const storage = bucketStorage(bucket);
        const options = { storage, moreConfig: "  secret: the-same-on-all-nodes\n" };
        const servers = [
          await startGoRegistry({ ...options, rootDirectory: join(folder, "go") }),
          await startServe({ ...options, rootDirectory: join(folder, "ours") }),
        ] as const;
        const contents: Contents = new Map();
        try {
          for (const [index, server] of servers.entries()) {
            const name = index === 0 ? "go" : "ours";
            await pushContent(server, contents, `${name}/team/image:v1`, images.threePlatforms);
            await pushContent(server, contents, `${name}/team/nested:v1`, images.nested);
            // An older build of the same tag stays behind as an untagged manifest, with a layer of its own.
            const client = new RegistryHttp(server.url);
            await client.pushImage(`${name}/moved`, "latest", [randomBytes(100_000)]);
            client.close();
            await pushContent(server, contents, `${name}/moved:latest`, images.big);
          }
          await expectAll(servers[0], pushedBy("ours", contents), folder);
          await expectAll(servers[1], pushedBy("go", contents), folder);
          for (const [from, to] of [servers, [servers[1], servers[0]]] as const)
            await expectCrossMount(from, to);
        } finally {
          for (const server of servers) await server.stop();
        }

        const rootDirectory = join(folder, "collector");
        const collected = await runCollector(rootDirectory, ["--max-delete", "100%"], { storage });
        expect(collected.exitCode, collected.stderr).toBe(0);
        expect(JSON.parse(collected.stdout).deleted).toMatchObject({ manifests: 2, blobs: 8 });
        const again = await runCollector(rootDirectory, ["--max-delete", "100%"], { storage });
        expect(JSON.parse(again.stdout).deleted).toMatchObject({ manifests: 0, blobs: 0 });

        for (const [start, name] of [
          [startServe, "ours"],
          [startGoRegistry, "go"],
        ] as const) {
          const server = await start({ ...options, rootDirectory: join(folder, "after") });
          try {
            await expectAll(server, pushedBy(name, contents), folder);
          } finally {
            await server.stop();
          }
        }
        expect(
          (await bucket.listKeys()).filter((key) => !key.startsWith("images/docker/registry/v2/")),
        ).toEqual([]);
      });
    });
  },
);

function pushedBy(name: "ours" | "go", contents: Contents): Contents {
  return new Map([...contents].filter(([reference]) => reference.startsWith(`${name}/`)));
}

/** A blob that one of them has stored is mounted by the other one, and pulled from the first. */
async function expectCrossMount(from: ServerProcess, to: ServerProcess): Promise<void> {
  const [first, second] = [new RegistryHttp(from.url), new RegistryHttp(to.url)];
  const blob = randomBytes(50_000);
  const digest = await first.pushBlob("mounted/from", [blob]);
  const answer = await second.send("POST", `/v2/mounted/to/blobs/uploads/?mount=${digest}&from=mounted/from`);
  expect(answer.status).toBe(201);
  expect(sha256((await first.send("GET", `/v2/mounted/to/blobs/${digest}`)).body)).toBe(digest);
  first.close();
  second.close();
}
