import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { http2Client, pushBlobOverHttp2 } from "../support/http2-client.ts";
import { startServe } from "../support/serve-process.ts";
import { shownName } from "../support/shown-certificate.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { replaceFile, replacePair, selfSigned, testAuthority, writePair } from "../support/tls-files.ts";

/** More than enough to meet every worker. */
const CONNECTIONS = 30;
const SOON = { timeout: 60_000, interval: 200 };

async function shownNames(port: number): Promise<string[]> {
  const names = new Set<string>();
  for (let count = 0; count < CONNECTIONS; count++) names.add((await shownName(port)) ?? "none");
  return [...names];
}

it("every worker takes a renewed certificate, and requests under way go on", {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const files = await writePair(folder, await selfSigned("first"));
  const server = await startServe({
    rootDirectory: join(folder, "registry"),
    workers: 3,
    scheme: "https",
    moreConfig: `  tls: {certificate: ${files.certificate}, key: ${files.key}}\n`,
  });
  const port = Number(new URL(server.url).port);
  try {
    const client = await http2Client(server.url);
    const bytes = Buffer.alloc(32 * 1024 * 1024, "under way ");
    const digest = await pushBlobOverHttp2(client, "renewal", bytes);
    const download = client.session.request({ ":path": `/v2/renewal/blobs/${digest}` });
    await once(download, "response");
    expect(await shownNames(port)).toEqual(["CN=first"]);
    await replacePair(files, await selfSigned("second"));
    await expect.poll(() => shownNames(port), SOON).toEqual(["CN=second"]);
    await replaceFile(files.key, "no key");
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await shownNames(port)).toEqual(["CN=second"]);
    const told = server.output.stderr.match(/the new certificate is not taken, the old one stays/g);
    expect(told).toHaveLength(3);
    await replacePair(files, await selfSigned("third"));
    await expect.poll(() => shownNames(port), SOON).toEqual(["CN=third"]);
    const parts: Buffer[] = [];
    download.on("data", (part: Buffer) => parts.push(part));
    await once(download, "end");
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    await client.close();
  } finally {
    await server.stop();
  }
});

it("every worker asks for clients' certificates, and a stop waits for a download over HTTP/2", {
  timeout: 120_000,
}, async () => {
  const folder = await temporaryFolder();
  const files = await writePair(folder, await selfSigned("server"));
  const authority = await testAuthority("authority");
  const ca = join(folder, "ca.pem");
  await writeFile(ca, authority.cert);
  const rootDirectory = join(folder, "registry");
  const server = await startServe({
    rootDirectory,
    workers: 2,
    scheme: "https",
    moreConfig: `  tls:
    certificate: ${files.certificate}
    key: ${files.key}
    clientcas: [${ca}]
    clientauth: verify-client-cert-if-given
`,
  });
  try {
    const foreign = await (await testAuthority("authority")).issue("client");
    const port = Number(new URL(server.url).port);
    for (let count = 0; count < 10; count++) {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...foreign });
      socket.on("error", () => undefined);
      let bytes = 0;
      socket.on("data", (part) => {
        bytes += part.length;
      });
      socket.write("GET /v2/ HTTP/1.1\r\nHost: r\r\n\r\n");
      await new Promise((resolve) => socket.once("close", resolve));
      expect(bytes).toBe(0);
    }
    const client = await http2Client(server.url, await authority.issue("client"));
    const bytes = Buffer.alloc(32 * 1024 * 1024, "stopping ");
    const digest = await pushBlobOverHttp2(client, "stop", bytes);
    const download = client.session.request({ ":path": `/v2/stop/blobs/${digest}` });
    await once(download, "response");
    const goodbye = once(client.session, "goaway");
    const stopped = server.stop();
    await goodbye;
    const parts: Buffer[] = [];
    download.on("data", (part: Buffer) => parts.push(part));
    await once(download, "end");
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await stopped).toEqual({ exitCode: 0, signal: null });
  } finally {
    await server.stop();
  }
});
