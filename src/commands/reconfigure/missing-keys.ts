import { existsSync } from "node:fs";
import { extname, resolve } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { ConfigError } from "../../errors.ts";
import { type GenerateKeysOptions, generateKeys } from "../../operations/keys/generate-keys.ts";

/** A pair of keys that tokens need and that is not there. */
export type MissingPair = Pick<GenerateKeysOptions, "keyFile" | "certificateFile" | "commonName">;

/** As long as those of `keys generate`. */
const DAYS = 3650;

/**
 * Tells whether the certificate is missing by which the registry knows whoever signs tokens.
 *
 * @param generate - `--generate-keys`
 * @returns what is to be made
 * @throws {ConfigError} if it is missing, and nobody has asked for one
 */
export function missingPair(
  { auth }: Settings,
  { cwd, generate }: { cwd: string; generate: boolean },
): MissingPair | undefined {
  if (auth?.kind !== "token" || auth.rootCertBundle === "") return undefined;
  const certificateFile = resolve(cwd, auth.rootCertBundle);
  if (existsSync(certificateFile)) return undefined;
  if (!generate) {
    throw new ConfigError(`auth.token.rootcertbundle is ${certificateFile}, and there is no such file`, {
      hint: "put the certificate there, or give --generate-keys for a new pair",
    });
  }
  const keyFile = `${certificateFile.slice(0, certificateFile.length - extname(certificateFile).length)}.key`;
  return { certificateFile, keyFile, commonName: auth.issuer };
}

/** Makes the pair. What is there is never replaced. */
export async function makePair(pair: MissingPair, signal: AbortSignal): Promise<void> {
  await generateKeys({ ...pair, days: DAYS, force: false, dryRun: false, nowMs: Date.now(), signal });
}
