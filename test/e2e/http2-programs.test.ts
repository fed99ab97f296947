import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { digestGeneratedBlob, generateBlob } from "../support/generated-blob.ts";
import { http2Client, pushBlobOverHttp2 } from "../support/http2-client.ts";
import { run } from "../support/image-clients.ts";
import { type InProcessServer, startInProcessServer } from "../support/in-process-server.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { serveTls } from "../support/tls-server.ts";

const BIG_BYTES = 200_000_003;

async function serve(protocol: "h2" | "h2c"): Promise<InProcessServer> {
  const driver = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
  const server =
    protocol === "h2"
      ? await serveTls({ driver })
      : await startInProcessServer({ driver, http: { h2c: true } });
  onTestFinished(() => server.close());
  return server;
}

function curl(...args: string[]): Promise<string> {
  return run("curl", ["--silent", "--show-error", "--insecure", ...args]);
}

describeWithPrograms(["curl"], "curl", () => {
  it.each([
    ["h2", "--http2"],
    ["h2c", "--http2-prior-knowledge"],
  ] as const)("pushes and pulls a big blob over %s", { timeout: 120_000 }, async (protocol, option) => {
    const server = await serve(protocol);
    const folder = await temporaryFolder();
    const [sent, received] = [join(folder, "sent"), join(folder, "received")];
    await pipeline(Readable.from(generateBlob(BIG_BYTES)), createWriteStream(sent));
    const digest = digestGeneratedBlob(BIG_BYTES);
    const tell = "%{http_version} %{http_code} %{size_download}";
    const url = `${server.url}/v2/big/blobs`;
    const start = await curl(option, "--request", "POST", "--include", `${url}/uploads/`);
    const location = /^location: (\S+)/im.exec(start)?.[1] ?? "";
    const push = ["--upload-file", sent, "--write-out", tell, `${location}&digest=${digest}`];
    expect(await curl(option, ...push)).toBe("2 201 0");
    const pull = ["--output", received, "--write-out", tell, `${url}/${digest}`];
    expect(await curl(option, "--limit-rate", "150M", ...pull)).toBe(`2 200 ${BIG_BYTES}`);
    expect((await stat(received)).size).toBe(BIG_BYTES);
    const head = await curl(option, "--head", `${url}/${digest}`);
    expect(head).toMatch(new RegExp(`^HTTP/2 200 .*\\ncontent-length: ${BIG_BYTES}`, "s"));
    expect(server.logged.filter(({ level }) => level === "error")).toEqual([]);
  });

  it("is told early that a body is not wanted", async () => {
    const server = await serve("h2");
    const sent = join(await temporaryFolder(), "sent");
    await pipeline(Readable.from(generateBlob(20_000_000)), createWriteStream(sent));
    const url = `${server.url}/v2/UPPER/blobs/uploads/?digest=${digestOf(Buffer.from("x"))}`;
    for (const expectation of ["Expect: 100-continue", "Expect:"]) {
      const options = ["--request", "POST", "--upload-file", sent, "--header", expectation];
      const told = await curl("--http2", ...options, "--write-out", " %{http_version} %{http_code}", url);
      expect(told).toMatch(/NAME_INVALID.* 2 400$/s);
    }
  });

  it("goes on with HTTP/1.1 where it asks for an upgrade, and where it speaks nothing else", async () => {
    const server = await serve("h2c");
    const tell = [
      "--output",
      "/dev/null",
      "--write-out",
      "%{http_version} %{http_code}",
      `${server.url}/v2/`,
    ];
    expect(await curl("--http2", ...tell)).toBe("1.1 200");
    expect(await curl("--http1.1", ...tell)).toBe("1.1 200");
    expect(await curl("--http1.0", ...tell)).toMatch(/^1\.\d 200$/);
  });
});

describeWithPrograms(["crane"], "crane", () => {
  it("pulls and pushes an image over HTTP/2, as Go's clients do", { timeout: 60_000 }, async () => {
    const server = await serve("h2");
    const client = await http2Client(server.url);
    onTestFinished(() => client.close());
    const layer = Buffer.concat([...generateBlob(5_000_000)]);
    const config = Buffer.from(
      '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}',
    );
    const descriptor = (mediaType: string, bytes: Buffer) => ({
      mediaType,
      digest: digestOf(bytes),
      size: bytes.length,
    });
    for (const bytes of [layer, config]) await pushBlobOverHttp2(client, "crane", bytes);
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      config: descriptor("application/vnd.oci.image.config.v1+json", config),
      layers: [descriptor("application/vnd.oci.image.layer.v1.tar", layer)],
    });
    const headers = { "content-type": OCI_MANIFEST };
    expect((await client.send("PUT", "/v2/crane/manifests/v1", { headers, body })).status).toBe(201);
    const reference = `127.0.0.1:${server.port}`;
    const layout = join(await temporaryFolder(), "layout");
    server.accessLines.length = 0;
    await run("crane", ["pull", "--insecure", "--format=oci", `${reference}/crane:v1`, layout]);
    await run("crane", ["push", "--insecure", layout, `${reference}/pushed:v1`]);
    const digest = await run("crane", ["digest", "--insecure", `${reference}/pushed:v1`]);
    const got = await client.send("GET", `/v2/pushed/blobs/${digestOf(layer)}`);
    expect(createHash("sha256").update(got.body).digest("hex")).toBe(digestOf(layer).slice(7));
    expect(digest).toMatch(/^sha256:/);
    const asked = server.accessLines.filter((line) => line.includes("go-containerregistry"));
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.filter((line) => !line.includes(" HTTP/2.0"))).toEqual([]);
  });
});
