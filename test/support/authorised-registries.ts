import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GITLAB_ISSUER, GITLAB_SERVICE, type GitLabIssuer } from "./gitlab-issuer.ts";
import { GITLAB_SIGNING_CERTIFICATE } from "./gitlab-signing-key.ts";
import { startGoRegistry } from "./go-registry.ts";
import { startServe } from "./serve-process.ts";
import type { ServerProcess } from "./server-process.ts";

/** A registry that takes the tokens of a GitLab, and the folder that has to go after it. */
export interface AuthorisedRegistry {
  server: ServerProcess;
  folder: string;
}

/** Starts one over an empty store. Both get the same configuration and the same bundle of certificates. */
export async function startAuthorisedRegistry(
  program: "registry-ctl" | "docker-registry",
  issuer: GitLabIssuer,
): Promise<AuthorisedRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "registry-ctl-auth-"));
  const bundle = join(folder, "bundle.pem");
  await writeFile(bundle, GITLAB_SIGNING_CERTIFICATE);
  const moreConfig = `  secret: the same everywhere
auth:
  token:
    realm: ${issuer.realm}
    service: ${GITLAB_SERVICE}
    issuer: ${GITLAB_ISSUER}
    rootcertbundle: ${bundle}
    autoredirect: false
`;
  const start = program === "registry-ctl" ? startServe : startGoRegistry;
  return { server: await start({ rootDirectory: join(folder, "registry"), moreConfig }), folder };
}
