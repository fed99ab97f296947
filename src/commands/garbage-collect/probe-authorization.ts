import { resolve } from "node:path";
import { PROBE_REPOSITORY } from "../../client/write-probe.ts";
import type { AuthSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { PemError } from "../../lib/pem-blocks.ts";

/** Makes the Authorization header of a write probe: each gets a token of its own, since a run may take hours. */
export type ProbeAuthorization = () => Promise<string>;

/**
 * Reads the key that tokens are signed with.
 *
 * @param keyFile - `--key`
 * @returns undefined without a key
 * @throws {UsageError} if tokens are not what the registry wants, or the key cannot sign them
 * @throws {UnreadableKeyFileError}
 */
export async function readProbeKey(
  keyFile: string | undefined,
  { cwd, auth }: { cwd: string; auth: AuthSettings | undefined },
): Promise<ProbeAuthorization | undefined> {
  if (keyFile === undefined) return undefined;
  if (auth?.kind !== "token") {
    throw new UsageError("--key is of no use: the configuration has no auth.token", {
      hint: "leave it out, or name the configuration that the registry runs with",
    });
  }
  const [{ readKeyFile }, { parsePrivateKeyFile }, { signGitlabToken }] = await Promise.all([
    import("../../operations/keys/read-key-file.ts"),
    import("../../operations/keys/private-key.ts"),
    import("../../operations/keys/gitlab-token.ts"),
  ]);
  const { content } = readKeyFile(resolve(cwd, keyFile), keyFile);
  const { key } = parseKey(() => parsePrivateKeyFile(content), keyFile);
  if (key.asymmetricKeyType !== "rsa") {
    throw new UsageError(`--key ${keyFile}: a key of type ${key.asymmetricKeyType}, expected RSA`);
  }
  return async () => {
    const token = await signGitlabToken(key, {
      issuer: auth.issuer,
      audience: auth.service,
      access: [{ type: "repository", name: PROBE_REPOSITORY, actions: ["pull", "push"] }],
      nowMs: Date.now(),
    });
    return `Bearer ${token}`;
  };
}

/**
 * @param keyFile - as it was named on the command line
 * @throws {UsageError} what is wrong with the key, in the place of PemError
 */
export function parseKey<T>(parse: () => T, keyFile: string): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof PemError)) throw error;
    throw new UsageError(`--key ${keyFile}: ${error.message}`, { hint: error.hint, cause: error });
  }
}
