import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { Agent, get } from "node:https";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { TlsSettings } from "../../../src/config/settings.ts";
import { http2Client, pushBlobOverHttp2 } from "../../support/http2-client.ts";
import type { InProcessServer } from "../../support/in-process-server.ts";
import { serverOfTest } from "../../support/server-of-test.ts";
import { shownName } from "../../support/shown-certificate.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import {
  replaceFile,
  replacePair,
  selfSigned,
  type TlsPair,
  testAuthority,
  writePair,
} from "../../support/tls-files.ts";
import { tlsSettings } from "../../support/tls-settings.ts";

/** Two looks at the files, with room for a busy machine. */
const SOON = { timeout: 60_000, interval: 100 };

async function serve(
  files: { certificate: string; key: string },
  more: Partial<TlsSettings> = {},
): Promise<InProcessServer> {
  return serverOfTest({ http: { tls: tlsSettings(files.certificate, files.key, more) } });
}

/** A client without a certificate, or with one, is served. */
function isServed(port: number, pair?: TlsPair): Promise<boolean> {
  return new Promise((resolve) => {
    const agent = new Agent({ rejectUnauthorized: false, ...pair });
    const asking = get(`https://127.0.0.1:${port}/v2/`, { agent }, (response) => {
      response.resume();
      response.on("end", () => agent.destroy());
      resolve(response.statusCode === 200);
    });
    asking.on("error", () => resolve(false));
  });
}

function lines(server: InProcessServer, level: string): string[] {
  return server.logged.filter((line) => line.level === level).map(({ message }) => message);
}

describe("certificate and key", () => {
  it("are taken again when they have changed, while old connections go on", async () => {
    const files = await writePair(await temporaryFolder(), await selfSigned("first"));
    const server = await serve(files);
    const before = await http2Client(server.url);
    expect((await before.send("GET", "/v2/")).status).toBe(200);
    await replacePair(files, await selfSigned("second"));
    await expect.poll(() => shownName(server.port), SOON).toBe("CN=second");
    expect((await before.send("GET", "/v2/")).status).toBe(200);
    await before.close();
    expect(lines(server, "error")).toEqual([]);
    expect(server.logged).toContainEqual(
      expect.objectContaining({ fields: expect.objectContaining({ subject: "CN=second" }) }),
    );
  });

  it("are seen when a folder of links is switched over, as Kubernetes does", async () => {
    const folder = await temporaryFolder();
    for (const name of ["first", "second"]) {
      await mkdir(join(folder, name));
      await writePair(join(folder, name), await selfSigned(name));
    }
    await symlink("first", join(folder, "data"));
    const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
    await symlink("data/cert.pem", files.certificate);
    await symlink("data/key.pem", files.key);
    const server = await serve(files);
    expect(await shownName(server.port)).toBe("CN=first");
    await symlink("second", join(folder, "data.new"));
    await rename(join(folder, "data.new"), join(folder, "data"));
    await expect.poll(() => shownName(server.port), SOON).toBe("CN=second");
  });

  it("wait for each other", async () => {
    const files = await writePair(await temporaryFolder(), await selfSigned("first"));
    const server = await serve(files);
    const second = await selfSigned("second");
    await replaceFile(files.certificate, second.cert);
    await expect.poll(() => lines(server, "error"), SOON).toHaveLength(1);
    expect(await shownName(server.port)).toBe("CN=first");
    await replaceFile(files.key, second.key);
    await expect.poll(() => shownName(server.port), SOON).toBe("CN=second");
  });

  it("stay as they were when the new ones cannot be used, which is told once", async () => {
    const files = await writePair(await temporaryFolder(), await selfSigned("first"));
    const server = await serve(files);
    await replaceFile(files.certificate, "half a certif");
    await expect.poll(() => lines(server, "error"), SOON).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(lines(server, "error")).toEqual(["the new certificate is not taken, the old one stays"]);
    expect(await shownName(server.port)).toBe("CN=first");
  });

  it("change under load without a request that fails", async () => {
    const files = await writePair(await temporaryFolder(), await selfSigned("name 0"));
    const server = await serve(files);
    const failures: unknown[] = [];
    let stop = false;
    const served = { old: 0, fresh: 0 };
    const kept = await http2Client(server.url);
    const onOld = async (): Promise<void> => {
      for (let turn = 0; !stop; turn++) {
        await pushBlobOverHttp2(kept, "load", Buffer.from(`old ${turn}`));
        served.old++;
      }
    };
    const onNew = async (): Promise<void> => {
      while (!stop) {
        if (!(await isServed(server.port))) throw new Error("a new connection was not served");
        served.fresh++;
      }
    };
    const load = [onOld(), onNew(), onNew()].map((each) => each.catch((error) => failures.push(error)));
    for (const name of ["name 1", "name 2"]) {
      await replacePair(files, await selfSigned(name));
      await expect.poll(() => shownName(server.port), SOON).toBe(`CN=${name}`);
    }
    stop = true;
    await Promise.all(load);
    await kept.close();
    expect(failures).toEqual([]);
    expect(Math.min(served.old, served.fresh)).toBeGreaterThan(10);
  });
});

describe("the authorities of clients", () => {
  it("are taken again when they have changed", async () => {
    const folder = await temporaryFolder();
    const [old, renewed] = [await testAuthority("old"), await testAuthority("renewed")];
    const ca = join(folder, "ca.pem");
    await writeFile(ca, old.cert);
    const files = await writePair(folder, await selfSigned("server"));
    const server = await serve(files, { clientCas: [ca] });
    const [ofOld, ofRenewed] = [await old.issue("client"), await renewed.issue("client")];
    expect([await isServed(server.port, ofOld), await isServed(server.port, ofRenewed)]).toEqual([
      true,
      false,
    ]);
    await replaceFile(ca, old.cert + renewed.cert);
    await expect.poll(() => isServed(server.port, ofRenewed), SOON).toBe(true);
    expect(await isServed(server.port, ofOld)).toBe(true);
    await replaceFile(ca, renewed.cert);
    await expect.poll(() => isServed(server.port, ofOld), SOON).toBe(false);
    expect(await isServed(server.port, ofRenewed)).toBe(true);
    await replaceFile(ca, "no certificate");
    await expect.poll(() => lines(server, "error"), SOON).toHaveLength(1);
    expect([await isServed(server.port, ofOld), await isServed(server.port, ofRenewed)]).toEqual([
      false,
      true,
    ]);
  });
});
