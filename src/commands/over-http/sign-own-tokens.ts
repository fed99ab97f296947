import { createPublicKey } from "node:crypto";
import { resolve } from "node:path";
import type { Credentials } from "../../client/registry/credentials.ts";
import { UsageError } from "../../errors.ts";
import { signGitlabToken, TOKEN_LIFE_SECONDS } from "../../operations/keys/gitlab-token.ts";
import { parsePrivateKeyFile } from "../../operations/keys/private-key.ts";
import { readKeyFile } from "../../operations/keys/read-key-file.ts";
import { parseKey } from "../garbage-collect/probe-authorization.ts";

/** Of GitLab's registries, and of those that name no other. */
const USUAL_SERVICE = "container_registry";

/**
 * Reads the key with which tokens are signed in the place of the token service.
 *
 * @param keyFile - `--key`
 * @throws {UsageError} if the key cannot sign tokens that registries take
 * @throws {UnreadableKeyFileError}
 */
export function signOwnTokens(
  keyFile: string,
  { cwd, issuer, audience }: { cwd: string; issuer: string; audience: string | undefined },
): Credentials {
  const { content } = readKeyFile(resolve(cwd, keyFile), keyFile);
  const { key } = parseKey(() => parsePrivateKeyFile(content), keyFile);
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = createPublicKey(key);
  if (type !== "rsa" && !(type === "ec" && details?.namedCurve === "prime256v1")) {
    throw new UsageError(`--key ${keyFile}: a key of type ${type}, expected RSA or EC with the curve P-256`);
  }
  return {
    kind: "signed",
    sign: async ({ service, access }) => ({
      token: await signGitlabToken(key, {
        issuer,
        audience: audience ?? service ?? USUAL_SERVICE,
        access,
        nowMs: Date.now(),
      }),
      lifeSeconds: TOKEN_LIFE_SECONDS,
    }),
  };
}
