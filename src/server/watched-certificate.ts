import type { Server } from "node:tls";
import type { TlsSettings } from "../config/settings.ts";
import type { Logger } from "../lib/logger.ts";
import { messageOf } from "../lib/message-of.ts";
import { fileProblemOf } from "../lib/system-error.ts";
import { WatchedFile } from "../lib/watched-file.ts";
import { loadServerCertificate, type ServerCertificate } from "./server-certificate.ts";

/** How often the files are looked at. */
const LOOK_EVERY_MS = 1_000;

/**
 * The files of `http.tls`, which are taken again when they have changed: certificates are renewed while the server
 * runs. They are taken together, so a new certificate waits for its key. Connections that have begun go on with what
 * they began with.
 */
export class WatchedCertificate {
  readonly #settings: TlsSettings;
  readonly #logger: Logger;
  readonly #files: ReadonlyMap<string, WatchedFile<Buffer>>;
  #inUse: ServerCertificate;
  /** The versions of the files that were taken last, or told of as unusable. */
  #known: string;
  /** Versions that could not be used when they were first seen: told of only if they stay, as files change one by one. */
  #doubtful = "";

  /** @throws {ConfigError} if the files cannot be used */
  constructor(settings: TlsSettings, logger: Logger) {
    this.#settings = settings;
    this.#logger = logger;
    const paths = new Set([settings.certificate, settings.key, ...settings.clientCas]);
    this.#files = new Map([...paths].map((path) => [path, watch(path, logger)]));
    this.#inUse = this.#load();
    this.#known = this.#versions();
    this.#warn();
  }

  /** What a server is made with. */
  get options(): ServerCertificate["options"] {
    return this.#inUse.options;
  }

  /** Gives later versions of the files to a server until it is closed. */
  keepCurrent(server: Server): void {
    const timer = setInterval(() => this.#look(server), LOOK_EVERY_MS);
    timer.unref();
    server.once("close", () => clearInterval(timer));
  }

  #look(server: Server): void {
    const versions = this.#versions();
    if (versions === this.#known) return;
    try {
      const loaded = this.#load();
      server.setSecureContext(loaded.options);
      this.#inUse = loaded;
      this.#logger.info("the certificate and its key were read again", loaded.facts);
      this.#warn();
    } catch (error) {
      if (versions !== this.#doubtful) {
        this.#doubtful = versions;
        return;
      }
      this.#logger.error("the new certificate is not taken, the old one stays", { error: messageOf(error) });
    }
    this.#known = versions;
  }

  #load(): ServerCertificate {
    return loadServerCertificate(this.#settings, (path) => {
      const file = this.#files.get(path);
      if (file === undefined) throw new Error(`${path} is not watched`);
      return file.current;
    });
  }

  /** A text that is another one when a file has changed. */
  #versions(): string {
    const versions = [...this.#files.values()].map((file) => {
      // Only this looks at the file.
      void file.current;
      return file.version;
    });
    return versions.join(" ");
  }

  #warn(): void {
    for (const warning of this.#inUse.warnings) this.#logger.warn(warning);
  }
}

function watch(path: string, logger: Logger): WatchedFile<Buffer> {
  return new WatchedFile(path, (bytes) => bytes, {
    onProblem: (error) =>
      logger.error("a file of http.tls cannot be read again, what was read before stays", {
        file: path,
        error: fileProblemOf(error),
      }),
  });
}
