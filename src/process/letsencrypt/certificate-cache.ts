import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import type { LetsEncryptSettings } from "../../config/settings.ts";
import { certificatePath, challengePath, challengesFolder } from "../../lib/acme-files.ts";
import { makeFolders } from "../../lib/make-folders.ts";
import { createOwnedFile, replaceOwnedFile } from "../../lib/owned-file.ts";
import type { CertificateLife, Failures } from "./renewal-policy.ts";

/** The name that Go's autocert gives it: an account that a Go registry has made there goes on. */
const ACCOUNT_KEY = "acme_account+key";
const STATE = "registry-ctl.json";
/** Before the PEM blocks, where readers of PEM pass over text. */
const ORIGIN = "Obtained by registry-ctl from ";

/**
 * The folder of `http.tls.letsencrypt.cachefile`: the certificate with its key, the account's key, what is remembered
 * of failures, and challenges. Files are replaced as a whole, and only their owner may read them.
 */
export class CertificateCache {
  readonly folder: string;
  readonly #settings: LetsEncryptSettings;

  constructor(settings: LetsEncryptSettings) {
    this.folder = settings.cacheFolder;
    this.#settings = settings;
  }

  /** Where failures are remembered. */
  get statePath(): string {
    return join(this.folder, STATE);
  }

  /** Makes the folder, and finds out whether it can be written. @throws {Error} the system's */
  prepare(): void {
    makeFolders(challengesFolder(this.folder), 0o700);
    const probe = join(this.folder, ".registry-ctl-probe");
    this.#write(probe, "");
    rmSync(probe, { force: true });
  }

  /** @returns undefined if there is none that a server could be started with */
  certificate(): CertificateLife | undefined {
    try {
      const pem = readFileSync(certificatePath(this.folder));
      createSecureContext({ cert: pem, key: pem });
      const certificate = new X509Certificate(pem);
      const [origin] = pem.toString("utf8").split("\n", 1);
      return {
        validFromMs: Date.parse(certificate.validFrom),
        validToMs: Date.parse(certificate.validTo),
        unfit:
          !this.#settings.hosts.every((host) => certificate.checkHost(host) !== undefined) ||
          origin !== `${ORIGIN}${this.#settings.directoryUrl}`,
      };
    } catch {
      return undefined;
    }
  }

  /** Puts the authority's certificate in its place, and forgets failures. */
  writeCertificate(pem: string): void {
    this.#write(certificatePath(this.folder), `${ORIGIN}${this.#settings.directoryUrl}\n${pem}`);
    rmSync(this.statePath, { force: true });
  }

  /** Puts something in its place that is to be replaced soon, unless another registry has meanwhile put something there. */
  writePlaceholder(pem: string): void {
    const path = certificatePath(this.folder);
    const text = `Placeholder of registry-ctl\n${pem}`;
    if (createOwnedFile(path, Buffer.from(text), { mode: 0o600 })) return;
    if (this.certificate() === undefined) this.#write(path, text);
  }

  /** Of these settings: with other hosts, another address or authority the next try is not put off. */
  failures(): Failures {
    const { about, failures, nextTryMs } = this.#state();
    if (about !== this.#about() || typeof failures !== "number" || typeof nextTryMs !== "number") {
      return { count: 0, nextTryMs: 0 };
    }
    return { count: Math.max(0, failures), nextTryMs };
  }

  writeFailures({ count, nextTryMs }: Failures): void {
    const state = { about: this.#about(), failures: count, nextTryMs };
    this.#write(this.statePath, `${JSON.stringify(state)}\n`);
  }

  /** @param make - called if there is no key yet */
  async accountKey(make: () => Promise<string>): Promise<string> {
    const path = join(this.folder, ACCOUNT_KEY);
    if (!existsSync(path)) createOwnedFile(path, Buffer.from(await make()), { mode: 0o600 });
    const pem = readFileSync(path, "utf8");
    createPrivateKey(pem);
    return pem;
  }

  writeChallenge(host: string, pem: string): void {
    this.#write(challengePath(this.folder, host), pem);
  }

  /** Never throws: what is left behind is of no use to anybody. */
  removeChallenges(): void {
    try {
      for (const host of this.#settings.hosts) rmSync(challengePath(this.folder, host), { force: true });
    } catch {
      // They are written anew for the next order.
    }
  }

  #about(): string {
    const { directoryUrl, email, hosts } = this.#settings;
    return JSON.stringify([directoryUrl, email, hosts]);
  }

  #state(): Record<string, unknown> {
    try {
      const parsed: unknown = JSON.parse(readFileSync(this.statePath, "utf8"));
      return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
    } catch {
      // Missing or damaged.
      return {};
    }
  }

  #write(path: string, text: string): void {
    const { uid, gid } = statSync(this.folder);
    const isRoot = process.getuid?.() === 0;
    const owner = isRoot ? { uid, gid } : { uid: process.getuid?.() ?? uid, gid: process.getgid?.() ?? gid };
    replaceOwnedFile(path, Buffer.from(text), { ...owner, mode: 0o600 });
  }
}
