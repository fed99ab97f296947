/** bcrypt looks at no more of a password. */
export const MAX_PASSWORD_BYTES = 72;

/** @returns why no hash can be made of it that stands for this password alone; undefined if one can */
export function passwordProblem(password: string): string | undefined {
  if (password === "") return "it is empty";
  const bytes = Buffer.byteLength(password);
  if (bytes > MAX_PASSWORD_BYTES) {
    return `it has ${bytes} bytes, and bcrypt would look at the first ${MAX_PASSWORD_BYTES} only`;
  }
  if (/\p{Cc}/u.test(password)) return "it has a control character, which clients cannot send";
  return undefined;
}

/**
 * @param password - one that {@link passwordProblem} has nothing against
 * @param cost - each step doubles the work
 * @returns a hash as Apache's `htpasswd -B` writes it, for everything that reads such files
 */
export async function hashPassword(password: string, cost: number): Promise<string> {
  const bcrypt = await loadBcrypt();
  const hash = await bcrypt.hash(Buffer.from(password, "utf8"), cost);
  return hash.replace(/^\$2b\$/, "$2y$");
}

/**
 * Compares a password with a bcrypt hash, in a thread. Of a longer password than 72 bytes the first 72 count, as for
 * every program that such a hash may come from.
 */
export async function matchesHash(password: Uint8Array, hash: string): Promise<boolean> {
  const bcrypt = await loadBcrypt();
  // 2a, 2b and 2y name one algorithm, with faults of old programs under the first. The library knows two of them, and has
  // the fault under 2a that the length of a password counts modulo 256.
  return bcrypt.compare(Buffer.from(password), hash.replace(/^\$2[ay]\$/, "$2b$"));
}

/** It is native code: loaded by those who have passwords only. */
async function loadBcrypt(): Promise<typeof import("bcrypt")> {
  const { default: bcrypt } = await import("bcrypt");
  return bcrypt;
}
