import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "./free-port.ts";
import { type GitLabIssuer, type IssuerOptions, startGitLabIssuer } from "./gitlab-issuer.ts";
import { GITLAB_SIGNING_CERTIFICATE } from "./gitlab-signing-key.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { makeOmnibusHost } from "./omnibus-host.ts";
import { REGISTRY_CTL_PATH } from "./serve-process.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { TEST_CERTIFICATE } from "./test-certificate.ts";

/** A faked host with GitLab's Linux package, on which this program serves the registry. */
export interface GitLabHost {
  /** `127.0.0.1:port` at which clients find the registry, by TLS. */
  registry: string;
  issuer: GitLabIssuer;
  nginx: Nginx;
  server: ServerProcess;
  /** Path of the certificate that clients have to trust; it lies alone in its folder, as `ca.crt`. */
  certificate: string;
  stop(): Promise<void>;
}

/**
 * Starts the issuer of tokens, `registry-ctl serve` with the host's own config.yml, and an nginx in front of both. Needs
 * nginx.
 */
export async function startGitLabHost(options: IssuerOptions = {}): Promise<GitLabHost> {
  const undo: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const port = await findFreePort();
    const addr = `127.0.0.1:${port}`;
    const issuer = await startGitLabIssuer(options);
    undo.push(() => issuer.close());
    const nginx = await startNginx([issuer.address, addr]);
    undo.push(() => nginx.stop());
    const [gitlabUrl = "", registryUrl = ""] = nginx.urls;
    const realm = `${gitlabUrl}/jwt/auth`;
    const host = makeOmnibusHost({ addr, realm, tokenCertificate: GITLAB_SIGNING_CERTIFICATE });
    undo.push(() => host.remove());
    const folder = await mkdtemp(join(tmpdir(), "registry-ctl-host-"));
    undo.push(() => rm(folder, { recursive: true, force: true }));
    const certificate = join(folder, "ca.crt");
    await writeFile(certificate, TEST_CERTIFICATE);
    const state = await mkdtemp(join(tmpdir(), "registry-ctl-state-"));
    undo.push(() => rm(state, { recursive: true, force: true }));
    const args = [
      "serve",
      host.configFile,
      "--env-from",
      host.envFolder,
      "--workers",
      "2",
      "--state-dir",
      state,
    ];
    const server = await startServerProcess([process.execPath, REGISTRY_CTL_PATH, ...args], {
      port,
      env: { XDG_RUNTIME_DIR: state },
    });
    undo.push(() => server.stop());
    return { registry: new URL(registryUrl).host, issuer, nginx, server, certificate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
