import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";

/** @returns a path as it is called on the host that `root` stands for */
export function inRoot(path: string, root: string): string {
  return root !== "/" && path.startsWith(`${root}/`) ? path.slice(root.length) : path;
}

/**
 * @param sources - of `--env-from`
 * @returns them for a file that is read later, with absolute paths
 * @throws {UsageError} if one is a process, which will be gone by then
 */
export function lastingSources(
  sources: readonly string[],
  { cwd, root }: { cwd: string; root: string },
): string[] {
  return sources.map((source) => {
    if (source.startsWith("pid:")) {
      throw new UsageError(`--env-from ${source} cannot be written down: the process will be gone`, {
        hint: "give the unit, or the file or folder with the service's environment",
      });
    }
    return source.startsWith("systemd:") ? source : inRoot(resolve(cwd, source), root);
  });
}
