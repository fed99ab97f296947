import { FROM_VARIABLES } from "../../client/registry/credential-variables.ts";
import { isAddress } from "../../client/registry/registry-address.ts";
import { RegistryReader } from "../../client/registry/registry-reader.ts";
import { loadTarget } from "../../config/load-target.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import type { BlobSource } from "../../operations/verify/repair/blob-source.ts";
import { RegistrySource } from "../../operations/verify/repair/registry-source.ts";
import { StoreSource } from "../../operations/verify/repair/store-source.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
import { openRegistry } from "../over-http/open-registry.ts";
import type { VerifyFlags } from "./verify-flags.ts";

/** Opens what `--from` names; to be called behind `openStorage`. */
export type OpenSource = () => Promise<BlobSource>;

/**
 * Reads what `--from` names, and the credentials for it: before root becomes another user, who may not be able to.
 *
 * @param own - the store that is repaired
 * @returns undefined without `--from`
 * @throws {UsageError} if that is of no use
 * @throws {ConfigError} if it is a file that names no store
 */
export async function readSource(
  context: CommandContext,
  flags: VerifyFlags,
  own: StorageSettings,
): Promise<OpenSource | undefined> {
  const { from, authFile, ca } = flags;
  if (from === undefined || !isAddress(from)) {
    if (authFile !== undefined) throw new UsageError("--auth-file is of no use without --from https://…");
    if (ca !== undefined) throw new UsageError("--ca is of no use without --from https://…");
    return from === undefined ? undefined : readStore(context, from, flags, own);
  }
  // `--key` of this command is for the registry that is repaired.
  const { key: _key, ...others } = flags;
  const client = await openRegistry(context, from, others, { variables: FROM_VARIABLES });
  return async () => new RegistrySource(new RegistryReader(client));
}

async function readStore(
  context: CommandContext,
  file: string,
  flags: VerifyFlags,
  own: StorageSettings,
): Promise<OpenSource> {
  const { env, cwd } = context;
  const { storage, warnings } = await loadTarget({ file, values: {}, env, cwd });
  for (const warning of warnings) context.stderr.write(`warning: ${printable(warning)}\n`);
  if (storeIdentity(storage) === storeIdentity(own)) {
    throw new UsageError(`${file} names the store that is to be repaired, not another one`);
  }
  return async () => new StoreSource(await context.openTarget(storage, { ...flags, readOnlyStore: true }));
}
