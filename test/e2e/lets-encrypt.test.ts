import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { connect } from "node:tls";
import { expect, it } from "vitest";
import { type AcmeAuthority, startAcmeAuthority } from "../support/acme-authority.ts";
import { findFreePort } from "../support/free-port.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const HOSTS = ["registry.example.test", "images.example.test"];
const DAY = 86_400;
const SOON = { timeout: 60_000, interval: 200 };
/** More than enough to meet every worker. */
const CONNECTIONS = 20;

interface World {
  folder: string;
  port: number;
  authority: AcmeAuthority;
}

async function world(validSeconds: number): Promise<World> {
  const folder = await temporaryFolder();
  const port = await findFreePort();
  return { folder, port, authority: await startAcmeAuthority(folder, { proofPort: port, validSeconds }) };
}

function serve(
  { folder, port, authority }: World,
  more: { name?: string; port?: number; directoryUrl?: string; workers?: number } = {},
): Promise<ServeProcess> {
  return startServe({
    rootDirectory: join(folder, more.name ?? "registry"),
    workers: more.workers ?? 3,
    port: more.port ?? port,
    scheme: "https",
    env: { NODE_EXTRA_CA_CERTS: authority.trustFile },
    moreConfig: `  tls:
    letsencrypt:
      cachefile: ${join(folder, "cache")}
      email: admin@example.test
      hosts: [${HOSTS.join(", ")}]
      directoryurl: ${more.directoryUrl ?? authority.directoryUrl}
`,
  });
}

/** What the server shows: the issuer is "placeholder" or the authority, the number tells certificates apart. */
async function shown(port: number, servername = HOSTS[0]): Promise<{ issuer: string; serial: string }> {
  const socket = connect({ port, host: "127.0.0.1", servername, rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const certificate = socket.getPeerX509Certificate();
  socket.destroy();
  const issuer = certificate?.issuer.includes("placeholder") ? "placeholder" : (certificate?.issuer ?? "");
  return { issuer, serial: certificate?.serialNumber ?? "" };
}

async function shownByAll(port: number): Promise<Set<string>> {
  const serials = new Set<string>();
  for (let count = 0; count < CONNECTIONS; count++) serials.add((await shown(port)).serial);
  return serials;
}

async function certified(port: number): Promise<string> {
  await expect.poll(async () => (await shown(port)).issuer, SOON).toMatch(/Pebble/);
  await expect.poll(async () => (await shownByAll(port)).size, SOON).toBe(1);
  return (await shown(port)).serial;
}

interface Question {
  host: string;
  ca: string;
  method?: string;
  path?: string;
  body?: string;
}

/** Asks as a client that trusts the authority `ca`, and believes nobody else. */
function ask(port: number, { host, ca, method = "GET", path = "/v2/", body }: Question): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host: `${host}:${port}`, "content-type": "application/octet-stream" };
    const options = { port, host: "127.0.0.1", servername: host, path, method, ca, headers, agent: false };
    const asking = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(`${response.statusCode} ${response.headers.location ?? text}`));
    });
    asking.on("error", reject).end(body);
  });
}

/** Pushes a blob and pulls it by another name of the server. */
async function pushAndPull(port: number, ca: string): Promise<string> {
  const [host = "", other = ""] = HOSTS;
  const digest = `sha256:${createHash("sha256").update("content").digest("hex")}`;
  const path = "/v2/group/image/blobs";
  const begun = await ask(port, { host, ca, method: "POST", path: `${path}/uploads/` });
  const upload = new URL(begun.replace("202 ", ""));
  upload.searchParams.set("digest", digest);
  const put = { method: "PUT", path: `${upload.pathname}${upload.search}`, body: "content" };
  await ask(port, { host, ca, ...put });
  return ask(port, { host: other, ca, path: `${path}/${digest}` });
}

describeWithPrograms(["pebble", "pebble-challtestsrv"], "certificates that serve orders itself", () => {
  it("are obtained through its own port, served by every worker, and kept over restarts and failures", {
    timeout: 120_000,
  }, async () => {
    const w = await world(90 * DAY);
    try {
      const first = await serve(w);
      let serial: string;
      try {
        serial = await certified(w.port);
        const ca = await w.authority.root();
        expect(await pushAndPull(w.port, ca)).toBe("200 content");
        await expect(ask(w.port, { host: "other.example.test", ca })).rejects.toThrow(/altnames/);
        expect(first.output.stderr).toContain("one that nobody trusts is shown until it is obtained");
        expect(first.output.stderr).not.toContain("PRIVATE KEY");
        const cache = join(w.folder, "cache");
        expect((await stat(cache)).mode & 0o777).toBe(0o700);
        for (const name of ["registry-ctl.pem", "acme_account+key"]) {
          expect((await stat(join(cache, name))).mode & 0o777).toBe(0o600);
        }
        expect(await readdir(join(cache, "registry-ctl-challenges"))).toEqual([]);
      } finally {
        await first.kill();
      }
      const again = await serve(w);
      try {
        expect(await shownByAll(w.port)).toEqual(new Set([serial]));
        expect(again.output.stderr).not.toContain("nobody trusts");
      } finally {
        expect(await again.stop()).toEqual({ exitCode: 0, signal: null });
      }
      // Another authority is asked for another certificate; until there is one, this one is served.
      const nobody = `https://127.0.0.1:${await findFreePort()}/dir`;
      const failing = await serve(w, { directoryUrl: nobody });
      try {
        await expect.poll(() => failing.output.stderr, SOON).toMatch(/ECONNREFUSED/);
        expect(await shownByAll(w.port)).toEqual(new Set([serial]));
      } finally {
        await failing.stop();
      }
      expect(w.authority.orders()).toBe(1);
    } finally {
      await w.authority.stop();
    }
  });

  it("are renewed before they end, by one process only", { timeout: 120_000 }, async () => {
    const w = await world(24);
    try {
      const server = await serve(w, { workers: 1 });
      const other = await serve(w, { name: "other", port: await findFreePort() });
      try {
        const serial = await certified(w.port);
        const otherPort = Number(new URL(other.url).port);
        await expect.poll(async () => [...(await shownByAll(otherPort))], SOON).toEqual([serial]);
        expect(w.authority.orders()).toBe(1);
        await expect.poll(async () => (await shown(w.port)).serial, SOON).not.toBe(serial);
        expect(w.authority.orders()).toBe(2);
        expect((await shown(otherPort)).issuer).toMatch(/Pebble/);
      } finally {
        await Promise.all([server.stop(), other.stop()]);
      }
    } finally {
      await w.authority.stop();
    }
  });

  it("are not asked for again and again where that fails, and the registry stays", {
    timeout: 120_000,
  }, async () => {
    const w = await world(90 * DAY);
    try {
      // The authority knocks at a port where nobody is.
      const elsewhere = await findFreePort();
      for (const start of [1, 2]) {
        const server = await serve(w, { port: elsewhere });
        try {
          const cause = /no certificate could be obtained.*nextTry/;
          if (start === 1) await expect.poll(() => server.output.stderr, SOON).toMatch(cause);
          expect((await shown(elsewhere)).issuer).toBe("placeholder");
        } finally {
          expect((await server.stop()).exitCode).toBe(0);
        }
      }
      expect(w.authority.orders()).toBe(1);
      const nobody = `https://127.0.0.1:${await findFreePort()}/dir`;
      const server = await serve(w, { directoryUrl: nobody });
      try {
        await expect.poll(() => server.output.stderr, SOON).toMatch(/ECONNREFUSED/);
        expect((await shown(w.port)).issuer).toBe("placeholder");
      } finally {
        await server.stop();
      }
      const connected: Socket[] = [];
      const silent = createServer((socket) =>
        connected.push(socket.on("error", () => undefined).resume()),
      ).listen(0, "127.0.0.1");
      await once(silent, "listening");
      const address = silent.address();
      if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
      const waiting = await serve(w, { directoryUrl: `https://127.0.0.1:${address.port}/dir` });
      try {
        await expect.poll(() => connected.length, SOON).toBe(1);
        expect((await waiting.stop()).exitCode).toBe(0);
        await expect.poll(() => connected[0]?.destroyed ?? false, SOON).toBe(true);
      } finally {
        await waiting.stop();
        for (const socket of connected) socket.destroy();
        silent.close();
      }
    } finally {
      await w.authority.stop();
    }
  });

  it("do not let a request in by the protocol of the proof, nor files be named by it", {
    timeout: 120_000,
  }, async () => {
    const w = await world(90 * DAY);
    const cache = join(w.folder, "cache");
    const challenges = join(cache, "registry-ctl-challenges");
    try {
      const server = await serve(w);
      try {
        await certified(w.port);
        const pem = await readFile(join(cache, "registry-ctl.pem"));
        await mkdir(challenges, { recursive: true });
        await writeFile(join(challenges, `${HOSTS[0]}.pem`), pem);
        await writeFile(join(challenges, "other.example.test.pem"), pem);
        const speak = async (servername: string, protocols: string[]): Promise<string> => {
          const socket = connect({
            ...{ port: w.port, host: "127.0.0.1", servername, rejectUnauthorized: false },
            ALPNProtocols: protocols,
          });
          let answer = "";
          socket.on("error", () => undefined);
          socket.on("secureConnect", () => {
            answer += `${socket.alpnProtocol}:`;
          });
          socket.on("data", (part) => {
            answer += part.toString("latin1");
          });
          socket.write(`GET /v2/ HTTP/1.1\r\nHost: ${servername}\r\nConnection: close\r\n\r\n`);
          await new Promise((resolve) => socket.once("close", resolve));
          return answer;
        };
        expect(await speak(HOSTS[0] ?? "", ["acme-tls/1"])).toBe("acme-tls/1:");
        expect(await speak(HOSTS[1] ?? "", ["acme-tls/1"])).toBe("");
        expect(await speak("other.example.test", ["acme-tls/1"])).toBe("");
        expect(await speak(HOSTS[0] ?? "", ["acme-tls/1", "http/1.1"])).toBe("");
        expect(await speak(HOSTS[0] ?? "", ["http/1.1"])).toMatch(/^http\/1\.1:HTTP\/1\.1 200/);
        await writeFile(join(challenges, `${HOSTS[0]}.pem`), "half of it");
        expect(await speak(HOSTS[0] ?? "", ["acme-tls/1"])).toBe("");
        expect(await speak(HOSTS[0] ?? "", ["http/1.1"])).toMatch(/^http\/1\.1:HTTP\/1\.1 200/);
      } finally {
        await server.stop();
      }
    } finally {
      await w.authority.stop();
    }
  });
});

it("a cache that is no folder ends serve with its name", { timeout: 60_000 }, async () => {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "cache"), "");
  await chmod(join(folder, "cache"), 0o600);
  const starting = startServe({
    rootDirectory: join(folder, "registry"),
    scheme: "https",
    moreConfig: `  tls: {letsencrypt: {cachefile: ${join(folder, "cache")}, hosts: [a.example.test]}}\n`,
  });
  await expect(starting).rejects.toThrow(/http\.tls\.letsencrypt\.cachefile: .*cache cannot be used/);
});
