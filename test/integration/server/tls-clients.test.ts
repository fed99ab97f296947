import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConnectionOptions, connect } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import type { TlsSettings } from "../../../src/config/settings.ts";
import { ConfigError } from "../../../src/errors.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { selfSigned, testAuthority, writePair } from "../../support/tls-files.ts";
import { tlsSettings } from "../../support/tls-settings.ts";
import { certify, makeKey } from "../../support/token-authority.ts";

async function serve(more: Partial<TlsSettings>): Promise<InProcessServer> {
  const files = await writePair(await temporaryFolder(), await selfSigned("server"));
  const server = await startInProcessServer({
    http: { tls: tlsSettings(files.certificate, files.key, more) },
  });
  onTestFinished(() => server.close());
  return server;
}

/** What a client gets that asks once, as it is: the first line of an answer, or `refused`. */
function ask(port: number, options: ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
      socket.write("GET /v2/ HTTP/1.1\r\nHost: r.example\r\nConnection: close\r\n\r\n"),
    );
    let text = "";
    socket.on("data", (part) => {
      text += part.toString();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(text === "" ? "refused" : (text.split("\r\n")[0] ?? "")));
  });
}

/** What an HTTP/2 client gets: the same must hold before any of its frames is looked at. */
function isShutOut(port: number, options: ConnectionOptions): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({
      port,
      host: "127.0.0.1",
      rejectUnauthorized: false,
      ALPNProtocols: ["h2"],
      ...options,
    });
    let bytes = 0;
    socket.on("data", (part) => {
      bytes += part.length;
      socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(bytes === 0));
  });
}

const OK = "HTTP/1.1 200 OK";
const NO = "refused";

describe.each(["TLSv1.2", "TLSv1.3"] as const)("clients' certificates over %s", (maxVersion) => {
  it.each([
    ["require-and-verify-client-cert", { none: NO, good: OK, foreign: NO, own: NO }],
    ["verify-client-cert-if-given", { none: OK, good: OK, foreign: NO, own: NO }],
    ["require-any-client-cert", { none: NO, good: OK, foreign: OK, own: OK }],
    ["request-client-cert", { none: OK, good: OK, foreign: OK, own: OK }],
  ] as const)("are dealt with by %s as Go does", async (clientAuth, expected) => {
    const trusted = await testAuthority("trusted");
    const ca = join(await temporaryFolder(), "ca.pem");
    await writeFile(ca, trusted.cert);
    const server = await serve({ clientCas: [ca], clientAuth });
    const clients = {
      none: {},
      good: await trusted.issue("client"),
      // It bears the name of an authority that is trusted, and another's signature.
      foreign: await (await testAuthority("trusted")).issue("client"),
      own: await selfSigned("client"),
    };
    for (const [name, pair] of Object.entries(clients)) {
      const wanted = expected[name as keyof typeof clients];
      expect(await ask(server.port, { maxVersion, ...pair }), name).toBe(wanted);
      expect(await isShutOut(server.port, { maxVersion, ...pair }), `${name} over HTTP/2`).toBe(
        wanted === NO,
      );
    }
  });

  it("are not asked for without authorities", async () => {
    const server = await serve({ clientAuth: "require-any-client-cert" });
    expect(await ask(server.port, { maxVersion })).toBe(OK);
  });
});

describe("authorities that cannot be used", () => {
  it("stop the server at its start", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "no.pem"), "this is no PEM");
    for (const name of ["no.pem", "missing.pem"]) {
      const starting = serve({ clientCas: [join(folder, name)] });
      await expect(starting).rejects.toThrow(ConfigError);
      await expect(starting).rejects.toThrow(new RegExp(`http\\.tls\\.clientcas.*${name}`));
    }
  });
});

describe("files that work and are odd", () => {
  const warnings = (server: InProcessServer): string[] =>
    server.logged.filter(({ level }) => level === "warn").map(({ message }) => message);

  it("are told of: an authority whose own issuer is lacking", async () => {
    const [rootKey, key] = [makeKey(), makeKey()];
    const root = await certify({ key: rootKey, name: "root", authority: true });
    const middle = await certify({
      key,
      name: "middle",
      authority: true,
      issuer: { key: rootKey, name: "root" },
    });
    const ca = join(await temporaryFolder(), "ca.pem");
    await writeFile(ca, middle.toString());
    expect(warnings(await serve({ clientCas: [ca] }))).toEqual([
      "http.tls.clientcas has CN=middle without its issuer: clients that it signed are refused until the root is added",
    ]);
    await writeFile(ca, `${middle}${root}`);
    expect(warnings(await serve({ clientCas: [ca] }))).toEqual([]);
  });

  it("are told of: a certificate that has expired, and cipher suites that count for nothing", async () => {
    const key = makeKey();
    const past = await certify({ key, from: new Date("2020-01-01"), to: new Date("2021-01-01") });
    const pem = key.export({ type: "pkcs8", format: "pem" }).toString();
    const files = await writePair(await temporaryFolder(), { cert: past.toString(), key: pem });
    const server = await serve({
      ...files,
      minimumTls: "TLSv1.3",
      cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
    });
    expect(warnings(server)).toEqual([
      expect.stringMatching(/cert\.pem has expired at Jan .*2021/),
      expect.stringMatching(/^http\.tls\.ciphersuites is of no effect/),
    ]);
  });
});

describe("cipher suites", () => {
  const only = (ciphers: string): ConnectionOptions => ({ ciphers, maxVersion: "TLSv1.2" });

  it("are those of the Go registry by default", async () => {
    const server = await serve({});
    expect(await ask(server.port, only("ECDHE-ECDSA-AES128-GCM-SHA256"))).toBe(OK);
    expect(await ask(server.port, only("ECDHE-ECDSA-CHACHA20-POLY1305"))).toBe(OK);
    expect(await ask(server.port, only("ECDHE-ECDSA-AES128-SHA256"))).toBe(NO);
  });

  it("are those of the list, and those of TLS 1.3", async () => {
    const server = await serve({ cipherSuites: ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"] });
    expect(await ask(server.port, only("ECDHE-ECDSA-AES256-GCM-SHA384"))).toBe(OK);
    expect(await ask(server.port, only("ECDHE-ECDSA-AES128-GCM-SHA256"))).toBe(NO);
    for (const ciphers of ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"]) {
      expect(await ask(server.port, { ciphers, minVersion: "TLSv1.3" })).toBe(OK);
    }
  });

  it("leave TLS 1.3 alone when the list has none for TLS 1.2", async () => {
    const server = await serve({ cipherSuites: ["TLS_AES_128_GCM_SHA256"] });
    expect(await ask(server.port, { maxVersion: "TLSv1.2" })).toBe(NO);
    expect(await ask(server.port, { minVersion: "TLSv1.3" })).toBe(OK);
  });
});
