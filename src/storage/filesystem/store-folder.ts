import { PathNotFoundError } from "../../errors.ts";
import { checkPath } from "../check-path.ts";
import type { FsFile, FsOperations, FsStat } from "./fs-operations.ts";
import { statSmallFile } from "./small-reads.ts";
import { translateError } from "./translate-error.ts";
import type { WalkPosition } from "./walk-folder.ts";

/** The name of the driver, which is in every error it throws. */
export const DRIVER_NAME = "filesystem";

/** The folder that a store is kept in: finds its paths in the file system, and turns what goes wrong into our errors. */
export class StoreFolder {
  readonly location: string;
  readonly fs: FsOperations;

  /** @param location - absolute path of the folder that `/` of the store is */
  constructor(fs: FsOperations, location: string) {
    this.fs = fs;
    this.location = location;
  }

  /** The path in the file system of a path of the store, which has been checked. */
  absolute(path: string): string {
    if (path === "/") return this.location;
    return this.location === "/" ? path : this.location + path;
  }

  /** @returns the error of ours for one of the file system; `operation` is the verb for the message */
  translate(error: unknown, operation: string, path: string): unknown {
    return translateError(DRIVER_NAME, error, { operation, path, absolutePath: this.absolute(path) });
  }

  /** Checks the path, and turns what goes wrong into our errors. */
  async run<T>(
    operation: string,
    path: string,
    work: (absolutePath: string) => Promise<T>,
    what: "file" | "folder" = "file",
  ): Promise<T> {
    checkPath(path, what);
    try {
      return await work(this.absolute(path));
    } catch (error) {
      throw this.translate(error, operation, path);
    }
  }

  /**
   * Opens a file to read it.
   *
   * @throws {PathNotFoundError} if there is none, or it is a folder
   */
  async open(path: string): Promise<{ file: FsFile; stat: FsStat }> {
    return this.run("read", path, async (absolute) => {
      const file = await this.fs.open(absolute, "read");
      try {
        const stat = await file.stat();
        if (!stat.isFile()) throw new PathNotFoundError(DRIVER_NAME, path);
        return { file, stat };
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  /** @returns size and time of a file, or undefined if there is no such file */
  statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    checkPath(path);
    try {
      return statSmallFile(this.absolute(path));
    } catch (error) {
      throw this.translate(error, "look at", path);
    }
  }

  /** Where a walk of a folder begins. */
  async position(path: string): Promise<WalkPosition> {
    const absolutePath = this.absolute(path);
    return { path, absolutePath, realAncestors: [await this.fs.realpath(absolutePath)] };
  }
}
