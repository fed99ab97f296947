import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";
import { writeServeConfig } from "./serve-process.ts";
import { SIGNING_CERTIFICATE, SIGNING_KEY } from "./signing-pair.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Runs `registry-ctl keys`. */
export async function keys(cwd: string, ...args: string[]): Promise<ProgramResult> {
  return runRegistryCtl(["keys", ...args], { cwd });
}

/** @returns the part of a configuration that asks for GitLab's tokens */
export function authBlock(bundle: string, issuer = "omnibus-gitlab-issuer"): string {
  return `auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: ${issuer}
    rootcertbundle: ${bundle}
`;
}

/** Files as they are on a host with a registry, and its config. */
export async function pairOnDisk(
  bundle = SIGNING_CERTIFICATE,
): Promise<{ folder: string; configPath: string }> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "a.key"), SIGNING_KEY, { mode: 0o600 });
  await writeFile(join(folder, "a.crt"), bundle);
  const configPath = await writeServeConfig({
    rootDirectory: join(folder, "store"),
    port: 5000,
    moreConfig: authBlock(join(folder, "a.crt")),
  });
  return { folder, configPath };
}
