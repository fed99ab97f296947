import { createPublicKey, type KeyObject } from "node:crypto";
import type { TokenAuthSettings } from "../../config/settings.ts";
import { libtrustFingerprint } from "../../lib/key-fingerprints.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type CheckedBundle, checkBundle } from "./check-bundle.ts";
import { describeKey, type KeyDescription } from "./describe-key.ts";
import { exposureOf } from "./file-exposure.ts";
import { signGitlabToken } from "./gitlab-token.ts";
import type { GitlabRegistrySettings } from "./gitlab-yml.ts";
import { parsePrivateKeyFile } from "./private-key.ts";
import { readKeyFile } from "./read-key-file.ts";
import { parseOrTell, readOrTell } from "./told-problems.ts";

/** What a check works with. */
export interface CheckKeysDependencies {
  /** Our clock, in milliseconds since 1970. */
  nowMs: number;
  /** Checks a token as a registry with these files does. @throws {Error} with the reason why it is refused */
  verifyToken: (token: string, files: TrustFiles) => Promise<void>;
}

/** The content of what a registry trusts. */
export interface TrustFiles {
  bundle: Buffer | undefined;
  jwks: Buffer | undefined;
}

/** What is checked. Paths are absolute. */
export interface CheckKeysOptions {
  /** The registry's half. Empty paths are files that it does not name. */
  auth: TokenAuthSettings;
  /** The private key that GitLab signs with. */
  keyFile: string;
  /** GitLab's own configuration, where it is known. */
  gitlab: GitlabRegistrySettings | undefined;
}

/** What came of it; with the names of the files it is the `--json` document. */
export interface KeysCheck {
  /** A token that GitLab signs is accepted. */
  fits: boolean;
  problems: string[];
  warnings: string[];
  /** Undefined if there is no key that could be used. */
  key: ({ file: string } & KeyDescription) | undefined;
  /** Undefined if the registry has none, or none that could be read. */
  bundle: CheckedBundle["bundle"];
  issuer: string;
  service: string;
}

/** GitLab issues tokens for no other. */
const GITLAB_SERVICE = "container_registry";

/**
 * Proves that GitLab's private key, the registry's certificates and the issuer fit together: signs a token as GitLab
 * does and has it checked as the registry does.
 *
 * @throws {UnreadableKeyFileError} if a file is there that may not be read
 */
export async function checkKeys(
  { nowMs, verifyToken }: CheckKeysDependencies,
  { auth, keyFile, gitlab }: CheckKeysOptions,
): Promise<KeysCheck> {
  const problems: string[] = [];
  const warnings: string[] = [];
  const privateKey = loadKey(keyFile, problems, warnings);
  const publicKey = privateKey && createPublicKey(privateKey);
  const checked = await checkBundle(auth.rootCertBundle, publicKey, nowMs);
  problems.push(...checked.problems);
  warnings.push(...checked.warnings);
  const jwks = auth.jwks === "" ? undefined : readOrTell(auth.jwks, problems)?.content;
  if (auth.rootCertBundle === "" && auth.jwks === "") {
    problems.push("auth.token has neither rootcertbundle nor jwks: no registry starts with that");
  }
  if (publicKey && checked.bundle && auth.jwks === "") {
    problems.push(...strangers(keyFile, publicKey, checked.bundle));
  }
  // What is wrong so far would be the reason.
  if (privateKey && problems.length === 0) {
    const reason = await refusal(privateKey, auth, nowMs, (token) =>
      verifyToken(token, { bundle: checked.content, jwks }),
    );
    if (reason !== undefined)
      problems.push(`a token that GitLab signs with ${keyFile} is refused: ${reason}`);
  }
  checkAgainstGitlab(auth, keyFile, gitlab, problems, warnings);
  return {
    fits: problems.length === 0,
    problems,
    warnings,
    key: publicKey && { file: keyFile, ...(await describeKey(publicKey)) },
    bundle: checked.bundle,
    issuer: auth.issuer,
    service: auth.service,
  };
}

function loadKey(path: string, problems: string[], warnings: string[]): KeyObject | undefined {
  const { content, stats } = readKeyFile(path);
  const { read, write } = exposureOf(path, stats);
  if (read || write) {
    warnings.push(
      `anybody on this host may ${write ? "write" : "read"} ${path}, and so sign tokens for everything: chmod 600`,
    );
  }
  if (content.includes("\r\n")) warnings.push(`${path} has line ends of Windows`);
  const parsed = parseOrTell(path, () => parsePrivateKeyFile(content), problems);
  if (!parsed) return undefined;
  const { key, others } = parsed;
  if (others.length > 0) warnings.push(`${path} holds more than the key: ${others.join(", ")}`);
  if (key.asymmetricKeyType === "rsa") return key;
  problems.push(
    `${path} is a key of type ${key.asymmetricKeyType}: GitLab signs with RSA keys (RS256) and no others`,
  );
  return undefined;
}

function* strangers(
  keyFile: string,
  publicKey: KeyObject,
  { file, certificates }: NonNullable<CheckedBundle["bundle"]>,
): Generator<string> {
  if (certificates.some(({ ofKey }) => ofKey)) return;
  const theirs = certificates.map(({ key }) => key.libtrustFingerprint).join(", ");
  yield `${file} has no certificate for ${keyFile}: the key is ${libtrustFingerprint(publicKey)}, ` +
    `the ${certificates.length === 1 ? "certificate is" : "certificates are"} for ${theirs}`;
}

async function refusal(
  privateKey: KeyObject,
  auth: TokenAuthSettings,
  nowMs: number,
  verify: (token: string) => Promise<void>,
): Promise<string | undefined> {
  const access = [{ type: "repository", name: "registry-ctl/keys-check", actions: ["pull"] }];
  const { issuer, service: audience } = auth;
  try {
    await verify(await signGitlabToken(privateKey, { issuer, audience, access, nowMs }));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function checkAgainstGitlab(
  { issuer, service, realm, autoRedirect }: TokenAuthSettings,
  keyFile: string,
  gitlab: GitlabRegistrySettings | undefined,
  problems: string[],
  warnings: string[],
): void {
  if (gitlab) {
    if (gitlab.issuer !== issuer) {
      problems.push(
        `GitLab signs as issuer ${quote(gitlab.issuer)}, and the registry accepts ${quote(issuer)} only`,
      );
    }
    if (!gitlab.enabled) problems.push("GitLab's registry is switched off: it gives nobody a token");
    if (gitlab.keyFile !== keyFile)
      warnings.push(`GitLab signs with another file: ${gitlab.keyFile ?? "none"}`);
  }
  if (service !== GITLAB_SERVICE) {
    warnings.push(`auth.token.service is ${quote(service)}: GitLab gives tokens for ${GITLAB_SERVICE} only`);
  }
  if (!autoRedirect && !/^https:\/\/.+\/jwt\/auth$/.test(realm)) {
    warnings.push(
      `auth.token.realm is ${quote(realm)}: GitLab's is https://GITLAB/jwt/auth, and passwords go there`,
    );
  }
}

function quote(text: string | undefined): string {
  return text === undefined ? "none" : JSON.stringify(text);
}
