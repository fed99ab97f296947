import type { TokenAuthSettings } from "../../config/settings.ts";
import { ConfigError, RegistryCtlError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { WatchedFile } from "../../lib/watched-file.ts";
import { parseTrustedBundle, type TrustedKeyFile } from "./trusted-bundle.ts";
import { parseTrustedKeySet } from "./trusted-key-set.ts";
import { TrustedKeys } from "./trusted-keys.ts";

/** The files of `auth.token`, of which there is one at least. */
export type KeyFileSettings = Pick<TokenAuthSettings, "rootCertBundle" | "jwks">;

const BUNDLE_KEY = "auth.token.rootcertbundle";
const BUNDLE_HINT =
  "write the certificate that belongs to the issuer's signing key into that file, in PEM form; in GitLab's packages it is registry['internal_certificate']";
const KEY_SET_KEY = "auth.token.jwks";
const KEY_SET_HINT = "write the issuer's public keys into that file, as a JSON Web Key Set";

/** The keys of `rootcertbundle` and `jwks`, which may be replaced while the server runs. */
export class TrustedKeyFiles {
  readonly #bundle: WatchedFile<TrustedKeyFile> | undefined;
  readonly #keySet: WatchedFile<TrustedKeyFile> | undefined;
  #seen: readonly (TrustedKeyFile | undefined)[] = [];
  #keys = new TrustedKeys([]);

  /** @throws {ConfigError} if a file is missing or cannot be used, or if none is named */
  constructor(settings: KeyFileSettings, logger: Logger) {
    this.#bundle = watch(settings.rootCertBundle, BUNDLE_KEY, parseTrustedBundle, logger);
    this.#keySet = watch(settings.jwks, KEY_SET_KEY, parseTrustedKeySet, logger);
    if (this.#bundle === undefined && this.#keySet === undefined) {
      throw new ConfigError("auth.token has neither rootcertbundle nor jwks: no token could be checked", {
        hint: `name the file with the certificate of the issuer's key as ${BUNDLE_KEY}`,
      });
    }
    readFirst(this.#bundle, BUNDLE_KEY, BUNDLE_HINT);
    readFirst(this.#keySet, KEY_SET_KEY, KEY_SET_HINT);
  }

  /** What the files hold now: the same object as long as they stay the same. */
  get current(): TrustedKeys {
    const now = [this.#bundle?.current, this.#keySet?.current];
    if (now.length !== this.#seen.length || now.some((each, index) => each !== this.#seen[index])) {
      this.#seen = now;
      this.#keys = new TrustedKeys(now.filter((each) => each !== undefined));
    }
    return this.#keys;
  }
}

function watch(
  path: string,
  key: string,
  parse: (bytes: Buffer) => TrustedKeyFile,
  logger: Logger,
): WatchedFile<TrustedKeyFile> | undefined {
  if (path === "") return undefined;
  const warn = (remark: string): void => logger.warn(`${key}: ${remark}`, { file: path });
  const parseAndTell = (bytes: Buffer): TrustedKeyFile => {
    const file = parse(bytes);
    for (const remark of file.remarks) warn(remark);
    return file;
  };
  const onProblem = (error: unknown): void =>
    warn(`what it held before stays in use: ${fileProblemOf(error)}`);
  return new WatchedFile(path, parseAndTell, { onProblem });
}

function readFirst(file: WatchedFile<TrustedKeyFile> | undefined, key: string, hint: string): void {
  try {
    file?.current;
  } catch (error) {
    throw new ConfigError(`${key}: ${file?.path} cannot be used: ${fileProblemOf(error)}`, {
      hint: (error instanceof RegistryCtlError ? error.hint : undefined) ?? hint,
      cause: error,
    });
  }
}
