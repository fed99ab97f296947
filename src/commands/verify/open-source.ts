import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import {
  type Credentials,
  credentialsOfEnvironment,
  credentialsOfFile,
} from "../../client/pull/credentials.ts";
import { isAddress, parseAddress } from "../../client/pull/registry-address.ts";
import { RegistryReader } from "../../client/pull/registry-reader.ts";
import { loadTarget } from "../../config/load-target.ts";
import type { StorageSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import type { BlobSource } from "../../operations/verify/repair/blob-source.ts";
import { RegistrySource } from "../../operations/verify/repair/registry-source.ts";
import { StoreSource } from "../../operations/verify/repair/store-source.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import type { CommandContext } from "../context.ts";
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
  const { from, authFile } = flags;
  if (from === undefined || !isAddress(from)) {
    if (authFile !== undefined) throw new UsageError("--auth-file is of no use without --from https://…");
    return from === undefined ? undefined : readStore(context, from, flags, own);
  }
  const address = parseAddress(from);
  const credentials = await readCredentials(context, address, authFile);
  return async () => new RegistrySource(new RegistryReader({ address, credentials }));
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

async function readCredentials(
  { cwd, env }: CommandContext,
  { host }: URL,
  authFile: string | undefined,
): Promise<Credentials | undefined> {
  if (authFile === undefined) return credentialsOfEnvironment(env);
  let text: string;
  try {
    text = await readFile(resolve(cwd, authFile), "utf8");
  } catch (cause) {
    throw new UsageError(`--auth-file ${authFile} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
  return credentialsOfFile(text, { file: authFile, host });
}
