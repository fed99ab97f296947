import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { blobDataPath } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type ServeOptions, startServe } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../support/test-certificate.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(
  start: (options: ServeOptions) => Promise<ServerProcess>,
  more: Partial<ServeOptions> = {},
): Promise<{ server: ServerProcess; tree: RegistryTree; rootDirectory: string }> {
  const rootDirectory = join(await temporaryFolder(), "store");
  const server = await start({ rootDirectory, ...more });
  ends.push(() => server.stop());
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
  const app = tree.repository("group/app");
  const arm = await app.image("arm", ["shared", "arm"]);
  const amd = await app.image("amd", ["shared", "amd"]);
  await app.index([arm, amd], { tag: "multi" });
  await app.tag("amd", amd.digest);
  await tree.repository("other").image("other", ["its own"], { tag: "v1" });
  return { server, tree, rootDirectory };
}

for (const [program, start] of [
  ["registry-ctl", startServe],
  ["docker-registry", startGoRegistry],
] as const) {
  describeWithPrograms(
    program === "registry-ctl" ? [] : ["docker-registry"],
    `verify and usage of ${program} over HTTP`,
    () => {
      it("find everything, and then what is missing", async () => {
        const { server, tree, rootDirectory } = await serve(start);
        const over = ["--registry", server.url];
        const sound = await runRegistryCtl(["verify", ...over, "--json"]);
        expect(sound, sound.stderr).toMatchObject({ exitCode: 0 });
        expect(JSON.parse(sound.stdout)).toMatchObject({
          complete: true,
          checked: { repositories: 2, tags: 3, manifests: 4, blobs: 7 },
        });
        const usage = await runRegistryCtl(["usage", ...over, "--by", "repository", "--format", "csv"]);
        expect(usage, usage.stderr).toMatchObject({ exitCode: 0 });
        expect(usage.stdout).toContain("group/app");
        expect(usage.stderr).toContain("over HTTP only what tags need is seen");

        const layer = await tree.blob("arm");
        await rm(join(rootDirectory, blobDataPath(layer)));
        const broken = await runRegistryCtl(["verify", ...over, "group/app"]);
        expect(broken).toMatchObject({ exitCode: 4 });
        expect(broken.stdout).toContain(`blob ${layer} is not there; breaks group/app:multi`);
        expect(broken.stdout).toContain("1 problem found");
        expect(await runRegistryCtl(["verify", ...over, "other"])).toMatchObject({ exitCode: 0 });
        expect(await runRegistryCtl(["verify", ...over, "none"])).toMatchObject({ exitCode: 3 });
      });
    },
  );
}

describe("a registry with a certificate of its own", () => {
  it("is believed with --ca only", async () => {
    const folder = await temporaryFolder();
    const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
    await writeFile(certificate, TEST_CERTIFICATE);
    await writeFile(key, TEST_KEY);
    const moreConfig = `  tls:\n    certificate: ${certificate}\n    key: ${key}\n`;
    const { server } = await serve(startServe, { moreConfig, scheme: "https" });
    const list = ["tags", "list", "--registry", server.url, "--format", "names", "other"];
    const doubted = await runRegistryCtl(list);
    expect(doubted).toMatchObject({ exitCode: 1, stdout: "" });
    expect(doubted.stderr).toContain("name the certificate of its authority with --ca");
    expect(await runRegistryCtl([...list, "--ca", certificate])).toMatchObject({ exitCode: 0, stdout: "v1" });
    const wrong = await runRegistryCtl([...list, "--ca", key]);
    expect(wrong).toMatchObject({ exitCode: 2 });
    expect(wrong.stderr).toContain("no block BEGIN CERTIFICATE");
  });

  it("is told apart from options that are of no use with it", async () => {
    const registry = ["--registry", "https://registry.example"];
    const wrong: [string[], string][] = [
      [["verify", ...registry, "--repair"], "--repair is for a store"],
      [["verify", ...registry, "--checksum=5%"], "--checksum is for a store"],
      [["verify", ...registry, "UPPER"], "is no name of a repository"],
      [["verify", "one.yml", "two.yml"], "too many arguments"],
      [["verify", "--issuer", "x"], "--issuer is of no use without --registry"],
      [["usage", ...registry, "config.yml"], "give one of them"],
      [["usage", ...registry, "--since", "7d"], "when tags were pushed"],
      [["usage", "--repository", "a/b"], "--repository is of no use without --registry"],
    ];
    for (const [args, message] of wrong) {
      const result = await runRegistryCtl(args);
      expect(result, args.join(" ")).toMatchObject({ exitCode: 2, stdout: "" });
      expect(result.stderr).toContain(message);
    }
  });
});
