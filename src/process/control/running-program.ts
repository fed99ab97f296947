import { RegistryStateError } from "../../errors.ts";

/** The program that this process is, which may be another one on the disk by now. */
export class RunningProgram {
  readonly version: string;
  /** Tells it from every other release. */
  readonly build: string;
  readonly #readBuild: () => string;

  /** @param readBuild - reads what the program on the disk is */
  constructor(version: string, readBuild: () => string) {
    this.version = version;
    this.build = readBuild();
    this.#readBuild = readBuild;
  }

  /**
   * To be called before new workers are started where the old ones could go on: they would be of the release on the disk, and
   * speak with a supervisor of this one.
   *
   * @throws {RegistryStateError} if that is another one
   */
  requireSame(): void {
    if (this.#readBuild() === this.build) return;
    throw new RegistryStateError(
      `the program has been replaced since this server of version ${this.version} began: it takes no new workers from it`,
      { hint: "stop and start the server: registry-ctl restart does that" },
    );
  }
}
