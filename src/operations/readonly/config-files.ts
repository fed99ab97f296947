/** Reads and replaces configuration files. */
export interface ConfigFiles {
  /** @throws {ConfigError} if it cannot be read */
  read(path: string): string;
  /**
   * Replaces the content; owner, mode and links stay.
   *
   * @param expected - what was read before; somebody else's change is never lost
   * @throws {ReadOnlyFileError} if it lies where nothing can be written
   * @throws {RegistryCtlError} if it cannot be written otherwise, or holds something else by now
   */
  replace(path: string, text: string, expected: string): Promise<void>;
}
