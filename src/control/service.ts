/** How a registry is run on this host, where something else than this program starts and stops it. */
export interface Service {
  /** As `--service` takes it. */
  readonly spec: string;
  /** For people: `systemd unit docker-registry.service`. */
  describe(): string;
  /**
   * Starts it; nothing happens if it runs.
   *
   * @returns when whatever runs it says that it has started, which is before it answers
   * @throws {RegistryCtlError} `ERR_SERVICE` with what was said about it
   */
  start(): Promise<void>;
  /**
   * Stops it, so that nothing starts it again; nothing happens if it does not run.
   *
   * @returns when its process has ended
   * @throws {RegistryCtlError} `ERR_SERVICE`
   */
  stop(): Promise<void>;
  /** Stops it if it runs, and starts it. @throws {RegistryCtlError} `ERR_SERVICE` */
  restart(): Promise<void>;
  /** @returns undefined if that cannot be told, or it is just being started or stopped */
  isRunning(): Promise<boolean | undefined>;
  /** @returns the process id of the registry; undefined if there is none, or it cannot be told */
  pid(): Promise<number | undefined>;
  /** Where what it logs is to be found. */
  log(): Promise<LogSource>;
}

/** Where the log of a registry is. */
export type LogSource =
  /** A file to which lines are added; it may be replaced by another one of the same name. */
  | { kind: "file"; path: string }
  /** A program that prints it. */
  | { kind: "program"; file: string; args: (lines: number, follow: boolean) => string[] }
  /** It cannot be had, for a reason that people read. */
  | { kind: "none"; reason: string };
