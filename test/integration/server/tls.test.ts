import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TlsSettings } from "../../../src/config/settings.ts";
import { ConfigError } from "../../../src/errors.ts";
import { startInProcessServer } from "../../support/in-process-server.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../../support/test-certificate.ts";
import { tlsSettings } from "../../support/tls-settings.ts";

let folder: string;
let tls: TlsSettings;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-tls-"));
  tls = tlsSettings(join(folder, "cert.pem"), join(folder, "key.pem"));
  await writeFile(tls.certificate, TEST_CERTIFICATE);
  await writeFile(tls.key, TEST_KEY);
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await writeFile(join(folder, "other.pem"), privateKey.export({ type: "pkcs8", format: "pem" }));
  await writeFile(join(folder, "no.pem"), "this is no PEM");
});
afterAll(() => rm(folder, { recursive: true }));

/** The protocol that was agreed on, or the code of the refusal. */
function handshake(port: number, options: ConnectionOptions): Promise<string | null | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", ca: TEST_CERTIFICATE, ...options }, () => {
      resolve(socket.getProtocol());
      socket.destroy();
    });
    socket.on("error", (error: Error & { code?: string }) => resolve(error.code));
  });
}

describe("TLS", () => {
  it("encrypts, and gives https URLs", async () => {
    const server = await startInProcessServer({ http: { tls } });
    const location = await new Promise<string | undefined>((resolve, reject) => {
      const options = { method: "POST", ca: TEST_CERTIFICATE };
      const start = request(`${server.url}/v2/a/blobs/uploads/`, options, (response) => {
        response.resume();
        resolve(response.headers.location);
      });
      start.on("error", reject);
      start.end();
    });
    expect(location?.startsWith(`https://127.0.0.1:${server.port}/v2/a/blobs/uploads/`)).toBe(true);
    await server.close();
  });

  it("keeps to the lowest version that is configured", async () => {
    const server = await startInProcessServer({ http: { tls: { ...tls, minimumTls: "TLSv1.3" } } });
    expect(await handshake(server.port, {})).toBe("TLSv1.3");
    expect(await handshake(server.port, { maxVersion: "TLSv1.2" })).toBe(
      "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
    );
    await server.close();
  });

  it.each([
    [
      "a certificate that is not there",
      { certificate: "missing.pem" },
      /http\.tls\.certificate: cannot read .*missing/,
    ],
    ["a key that is not there", { key: "missing.pem" }, /http\.tls\.key: cannot read .*missing/],
    ["a key of another certificate", { key: "other.pem" }, /does not belong to http\.tls\.certificate/],
    ["a file that is no PEM", { key: "no.pem" }, /cannot be used/],
  ])("names %s", async (_, change, message) => {
    const files = Object.fromEntries(Object.entries(change).map(([key, file]) => [key, join(folder, file)]));
    const starting = startInProcessServer({ http: { tls: { ...tls, ...files } } });
    await expect(starting).rejects.toThrow(ConfigError);
    await expect(starting).rejects.toThrow(message);
  });
});
