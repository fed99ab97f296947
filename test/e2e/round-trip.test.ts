import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { IMAGE_CLIENTS, run, skopeoCopy } from "../support/image-clients.ts";
import { listLayoutClosure } from "../support/oci-layout.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type RealImage, type RealImages, realImages } from "../support/real-images.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(["umoci", "skopeo", "crane", "oras"], "images there and back, bit for bit", () => {
  let images: RealImages;
  let store: string;
  let server: ServeProcess;

  beforeAll(async () => {
    images = await realImages();
    store = await mkdtemp(join(tmpdir(), "registry-ctl-e2e-"));
    server = await startServe({ rootDirectory: join(store, "registry") });
  }, 300_000);

  afterAll(async () => {
    await server?.stop();
    await rm(store, { recursive: true, force: true });
  });

  async function expectSame(image: RealImage, pulled: string): Promise<void> {
    expect(await listLayoutClosure(pulled, image.root.digest)).toEqual(
      await listLayoutClosure(image.layout, image.root.digest),
    );
  }

  for (const client of IMAGE_CLIENTS) {
    const names: (keyof RealImages)[] = ["single", "big", "threePlatforms"];
    if (client.copiesNestedIndexes) names.push("nested");
    it.each(names)(`${client.name} pushes and pulls the %s image`, { timeout: 120_000 }, async (name) => {
      const reference = `${server.address}/${client.name}/${name.toLowerCase()}:v1`;
      const pulled = join(await temporaryFolder(), "pulled");

      await client.push(images[name].layout, reference);
      await client.pull(reference, pulled);

      await expectSame(images[name], pulled);
    });
  }

  it("each client pulls what another one pushed", async () => {
    const [skopeo, crane, oras] = IMAGE_CLIENTS;
    if (skopeo === undefined || crane === undefined || oras === undefined)
      throw new Error("a client is missing");
    const reference = `${server.address}/mixed/image:v1`;
    const folder = await temporaryFolder();
    await skopeo.push(images.threePlatforms.layout, reference);
    await crane.pull(reference, join(folder, "crane"));
    await oras.pull(reference, join(folder, "oras"));
    await expectSame(images.threePlatforms, join(folder, "crane"));
    await expectSame(images.threePlatforms, join(folder, "oras"));
  });

  it("a signature tag is pulled as it was pushed", async () => {
    const { signature, threePlatforms } = images;
    const tag = `${threePlatforms.root.digest.replace(":", "-")}.sig`;
    const reference = `${server.address}/signed/image:${tag}`;
    const pulled = join(await temporaryFolder(), "pulled");
    for (const client of IMAGE_CLIENTS.filter(({ name }) => name !== "skopeo")) {
      await client.push(signature.layout, reference);
      await client.pull(reference, join(pulled, client.name));
      await expectSame(signature, join(pulled, client.name));
    }
  });

  it("oras copies an image with its referrers, and discovers them", async () => {
    const { artifact, threePlatforms } = images;
    const repository = `${server.address}/attached/image`;
    const pulled = join(await temporaryFolder(), "pulled");
    const plainHttp = ["--plain-http", "--distribution-spec", "v1.1-referrers-api"];
    await IMAGE_CLIENTS.find(({ name }) => name === "oras")?.push(threePlatforms.layout, `${repository}:v1`);
    await run("oras", [
      "cp",
      "--from-oci-layout",
      `${artifact.layout}:v1`,
      "--to-plain-http",
      `${repository}:sbom`,
    ]);

    const discovered = await run("oras", ["discover", ...plainHttp, "--format", "json", `${repository}:v1`]);
    const copied = ["--from-plain-http", "-r", `${repository}:v1`, "--to-oci-layout", `${pulled}:v1`];
    await run("oras", ["cp", "--from-distribution-spec", "v1.1-referrers-api", ...copied]);

    expect(discovered).toContain(artifact.root.digest);
    await expectSame(threePlatforms, pulled);
    await expectSame(artifact, pulled);
  });

  it("oras attaches an artifact to an image", async () => {
    const reference = `${server.address}/attached/live:v1`;
    await IMAGE_CLIENTS.find(({ name }) => name === "oras")?.push(images.single.layout, reference);
    const type = "application/vnd.example.note";
    await run("oras", ["attach", "--plain-http", "--artifact-type", type, "-a", "note=hello", reference]);

    const referrers = await fetch(
      `${server.url}/v2/attached/live/referrers/${images.single.root.digest}?artifactType=${type}`,
    );

    expect(referrers.status).toBe(200);
    expect(referrers.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await referrers.json()).toMatchObject({
      manifests: [{ artifactType: type, annotations: { note: "hello" } }],
    });
  });

  it("a Docker manifest list comes back with the digests that it went with", async () => {
    const folder = await temporaryFolder();
    const first = `docker://${server.address}/docker/first:v1`;
    const second = `docker://${server.address}/docker/second:v1`;
    await skopeoCopy(`oci:${images.threePlatforms.layout}:v1`, first, "--format", "v2s2");

    await skopeoCopy(first, `dir:${join(folder, "first")}`);
    await skopeoCopy(`dir:${join(folder, "first")}`, second);

    const inspect = ["inspect", "--tls-verify=false", "--raw"];
    const raw = await run("skopeo", [...inspect, first]);
    expect(JSON.parse(raw).mediaType).toBe("application/vnd.docker.distribution.manifest.list.v2+json");
    expect(await run("skopeo", [...inspect, second])).toBe(raw);
  });
});

describeWithPrograms(["umoci", "skopeo", "podman", "buildah"], "clients that recompress", () => {
  it.each(["podman", "buildah"] as const)(
    "%s pulls and pushes an image with the same config",
    async (program) => {
      const images = await realImages();
      const folder = await temporaryFolder();
      const server = await startServe({ rootDirectory: join(folder, "registry") });
      try {
        const source = `${server.address}/${program}/source:v1`;
        const target = `${server.address}/${program}/target:v1`;
        await skopeoCopy(`oci:${images.single.layout}:v1`, `docker://${source}`);
        const storage = [
          "--storage-driver",
          "vfs",
          "--root",
          join(folder, "root"),
          "--runroot",
          join(folder, "run"),
        ];
        const client = (...args: string[]) => run(program, [...storage, ...args]);

        await client("pull", "-q", "--tls-verify=false", source);
        await client("push", "-q", "--tls-verify=false", source, `docker://${target}`);

        const configOf = (reference: string) =>
          run("skopeo", ["inspect", "--tls-verify=false", "--config", "--raw", `docker://${reference}`]);
        expect(await configOf(target)).toBe(await configOf(source));
      } finally {
        await server.stop();
      }
    },
  );
});
