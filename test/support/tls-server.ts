import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type InProcessOptions, type InProcessServer, startInProcessServer } from "./in-process-server.ts";
import { selfSigned, writePair } from "./tls-files.ts";
import { tlsSettings } from "./tls-settings.ts";

/** Starts a registry in the test's own process that has a certificate of its own. */
export async function serveTls(options: InProcessOptions = {}): Promise<InProcessServer> {
  const folder = await mkdtemp(join(tmpdir(), "registry-ctl-tls-"));
  const files = await writePair(folder, await selfSigned("127.0.0.1"));
  const tls = tlsSettings(files.certificate, files.key);
  const server = await startInProcessServer({ ...options, http: { tls, ...options.http } });
  return {
    ...server,
    close: async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
