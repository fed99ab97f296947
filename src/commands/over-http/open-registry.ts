import { type CredentialVariables, REGISTRY_VARIABLES } from "../../client/registry/credential-variables.ts";
import { type FoundCredentials, findCredentials } from "../../client/registry/find-credentials.ts";
import { parseAddress } from "../../client/registry/registry-address.ts";
import { RegistryClient } from "../../client/registry/registry-client.ts";
import { UsageError } from "../../errors.ts";
import { printableLine } from "../../lib/printable.ts";
import type { CommandContext } from "../context.ts";
import { readAuthority } from "./read-authority.ts";
import type { RegistryFlags } from "./registry-flags.ts";

/**
 * Opens a registry over HTTP, with the credentials that there are for it, and says on stderr which one and where they are from.
 *
 * @param url - as it was named on the command line
 * @throws {UsageError} if the address, a file or a credential helper is of no use
 * @throws {CancelledError}
 */
export async function openRegistry(
  context: CommandContext,
  url: string,
  flags: RegistryFlags,
  { variables = REGISTRY_VARIABLES }: { variables?: CredentialVariables } = {},
): Promise<RegistryClient> {
  const address = parseAddress(url);
  const ca = await readAuthority(context, flags.ca, "--ca");
  const found = await readCredentials(context, address, flags, variables);
  const client = new RegistryClient({ address, credentials: found?.credentials, ca });
  const source = found ? `credentials: ${found.source}` : "no credentials";
  context.notice(printableLine(`registry: ${client.name} (${source})`), flags);
  return client;
}

async function readCredentials(
  { env, cwd, signal }: CommandContext,
  address: URL,
  { key, issuer, audience, authFile }: RegistryFlags,
  variables: CredentialVariables,
): Promise<FoundCredentials | undefined> {
  if (key === undefined || issuer === undefined) {
    const odd = issuer !== undefined ? "--issuer" : audience !== undefined ? "--audience" : undefined;
    if (odd) throw new UsageError(`${odd} is of no use without --key`);
    if (key !== undefined)
      throw new UsageError("--key needs to know whose tokens it signs", {
        hint: "add --issuer, as auth.token.issuer in the registry's configuration says",
      });
    return findCredentials({ address, authFile, variables, env, cwd, signal });
  }
  if (authFile !== undefined) throw new UsageError("--key signs tokens, so that --auth-file is of no use");
  const { signOwnTokens } = await import("./sign-own-tokens.ts");
  return {
    credentials: signOwnTokens(key, { cwd, issuer, audience }),
    source: `tokens signed with ${key}`,
  };
}
