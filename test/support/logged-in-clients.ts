import { mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GitLabHost } from "./gitlab-host.ts";
import type { Credentials } from "./gitlab-issuer-world.ts";
import { run } from "./image-clients.ts";
import { readLayoutRoot } from "./oci-layout.ts";
import { LAYOUT_TAG } from "./real-images.ts";

/** A real client with a place of its own for the passwords that it keeps. */
export interface AuthClient {
  /** Logs in to the host's registry; never called: anonymous. @throws {Error} if the client says that it failed */
  login(credentials: Credentials): Promise<void>;
  /** Pushes the image of a layout as `<repository>:v1`. @throws {Error} if the client says that it failed */
  push(layout: string, repository: string): Promise<void>;
  /** Pulls `<repository>:v1`. @returns the digest of the image's config or manifest, as far as the client tells */
  pull(repository: string): Promise<string>;
}

/** A client that copies within the registry. */
export interface CopyingClient extends AuthClient {
  /** Copies `<from>:v1` as `<to>:v1`. */
  copy(from: string, to: string): Promise<void>;
}

/** Make clients that keep all that they write below `folder`. */
export const AUTH_CLIENTS = { skopeo, podman, oras, crane } as const;

async function skopeo(host: GitLabHost, folder: string): Promise<AuthClient> {
  const home = await mkdtemp(join(folder, "skopeo-"));
  const auth = ["--authfile", join(home, "auth.json")];
  const certificates = dirname(host.certificate);
  return {
    async login({ username, password }) {
      const args = [...auth, "--cert-dir", certificates, "-u", username, "-p", password, host.registry];
      await run("skopeo", ["login", ...args]);
    },
    async push(layout, repository) {
      const to = `docker://${host.registry}/${repository}:v1`;
      const from = `oci:${layout}:${LAYOUT_TAG}`;
      await run("skopeo", ["copy", "-q", "--all", ...auth, "--dest-cert-dir", certificates, from, to]);
    },
    async pull(repository) {
      const layout = await mkdtemp(join(home, "pulled-"));
      const from = `docker://${host.registry}/${repository}:v1`;
      const to = `oci:${layout}:${LAYOUT_TAG}`;
      await run("skopeo", ["copy", "-q", "--all", ...auth, "--src-cert-dir", certificates, from, to]);
      return (await readLayoutRoot(layout)).digest;
    },
  };
}

async function podman(host: GitLabHost, folder: string): Promise<AuthClient> {
  const home = await mkdtemp(join(folder, "podman-"));
  const storage = ["--storage-driver", "vfs", "--root", join(home, "root"), "--runroot", join(home, "run")];
  const access = ["--authfile", join(home, "auth.json"), "--cert-dir", dirname(host.certificate)];
  // It refuses to run with a file that is not there.
  await writeFile(join(home, "auth.json"), "{}");
  return {
    async login({ username, password }) {
      await run("podman", [...storage, "login", ...access, "-u", username, "-p", password, host.registry]);
    },
    async push(layout, repository) {
      const id = await run("podman", [...storage, "pull", "-q", `oci:${layout}:${LAYOUT_TAG}`]);
      const to = `docker://${host.registry}/${repository}:v1`;
      await run("podman", [...storage, "push", "-q", ...access, id, to]);
    },
    async pull(repository) {
      return run("podman", [...storage, "pull", "-q", ...access, `${host.registry}/${repository}:v1`]);
    },
  };
}

async function oras(host: GitLabHost, folder: string): Promise<AuthClient> {
  const home = await mkdtemp(join(folder, "oras-"));
  const config = join(home, "config.json");
  return {
    async login({ username, password }) {
      const access = ["--registry-config", config, "--ca-file", host.certificate];
      await run("oras", ["login", ...access, "-u", username, "-p", password, host.registry]);
    },
    async push(layout, repository) {
      const access = ["--to-registry-config", config, "--to-ca-file", host.certificate];
      const to = `${host.registry}/${repository}:v1`;
      await run("oras", ["cp", "--from-oci-layout", `${layout}:${LAYOUT_TAG}`, ...access, to]);
    },
    async pull(repository) {
      const layout = await mkdtemp(join(home, "pulled-"));
      const access = ["--from-registry-config", config, "--from-ca-file", host.certificate];
      const from = `${host.registry}/${repository}:v1`;
      await run("oras", ["cp", ...access, from, "--to-oci-layout", `${layout}:${LAYOUT_TAG}`]);
      return (await readLayoutRoot(layout)).digest;
    },
  };
}

async function crane(host: GitLabHost, folder: string): Promise<CopyingClient> {
  const home = await mkdtemp(join(folder, "crane-"));
  const env = { DOCKER_CONFIG: home, SSL_CERT_FILE: host.certificate };
  return {
    async login({ username, password }) {
      await run("crane", ["auth", "login", "-u", username, "-p", password, host.registry], env);
    },
    async push(layout, repository) {
      await run("crane", ["push", layout, `${host.registry}/${repository}:v1`], env);
    },
    async pull(repository) {
      const layout = await mkdtemp(join(home, "pulled-"));
      await run("crane", ["pull", "--format=oci", `${host.registry}/${repository}:v1`, layout], env);
      return (await readLayoutRoot(layout)).digest;
    },
    async copy(from, to) {
      await run("crane", ["copy", `${host.registry}/${from}:v1`, `${host.registry}/${to}:v1`], env);
    },
  };
}
