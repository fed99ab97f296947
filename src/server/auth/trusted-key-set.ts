import { createPublicKey, type KeyObject } from "node:crypto";
import { RegistryCtlError } from "../../errors.ts";
import { abilityOf } from "./token-algorithms.ts";
import { isRecord } from "./token-claims.ts";
import type { TrustedKeyFile } from "./trusted-bundle.ts";
import type { NamedKey } from "./trusted-keys.ts";

/** A file is no JSON Web Key Set, or has no key in it that could be used. */
export class KeySetError extends RegistryCtlError {
  override readonly name: string = "KeySetError";
  constructor(message: string, options: { cause?: unknown } = {}) {
    super("ERR_KEY_SET", message, options);
  }
}

/**
 * Reads the keys of `auth.token.jwks`. One that cannot be used (a secret for HMAC, a key for encryption) is passed over
 * with a remark, as a set may have been made for others too.
 *
 * @throws {KeySetError} if there is no key that can be used
 * @see https://www.rfc-editor.org/rfc/rfc7517#section-5
 */
export function parseTrustedKeySet(bytes: Uint8Array): TrustedKeyFile {
  const list = listOfKeys(bytes);
  const keys: NamedKey[] = [];
  const remarks: string[] = [];
  for (const [index, entry] of list.entries()) {
    const result = readKey(entry);
    if ("problem" in result) remarks.push(`key ${index + 1} is passed over: ${result.problem}`);
    else keys.push(result);
  }
  if (keys.length > 0) return { anchors: [], keys, remarks };
  throw new KeySetError(["no key in it can be used", ...remarks].join("; "));
}

function listOfKeys(bytes: Uint8Array): readonly unknown[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    // The parser's own message shows a part of the file, which may be a secret.
    throw new KeySetError("it is not JSON", { cause });
  }
  if (isRecord(parsed) && Array.isArray(parsed["keys"])) return parsed["keys"];
  throw new KeySetError('it is no JSON Web Key Set, which is an object with a list "keys"');
}

function readKey(entry: unknown): NamedKey | { problem: string } {
  if (!isRecord(entry)) return { problem: "it is no object" };
  if (entry["kty"] === "oct") return { problem: "it is a secret, with which whoever checks could also sign" };
  const { use, key_ops: operations, alg, kid } = entry;
  if (use !== undefined && use !== "sig") return { problem: "it is not for signatures (use)" };
  if (Array.isArray(operations) && !operations.includes("verify") && !operations.includes("sign")) {
    return { problem: "it is not for signatures (key_ops)" };
  }
  const publicKey = publicKeyOf(entry);
  if (publicKey === undefined) return { problem: "it is damaged, or of a type that is unknown here" };
  const ability = abilityOf(publicKey);
  if ("problem" in ability) return ability;
  const algorithms = ability.algorithms.filter((each) => alg === undefined || each === alg);
  if (algorithms.length === 0) return { problem: "it does not fit the algorithm that it names (alg)" };
  return { publicKey, algorithms, kid: typeof kid === "string" && kid !== "" ? kid : undefined };
}

function publicKeyOf(key: Record<string, unknown>): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    return undefined;
  }
}
