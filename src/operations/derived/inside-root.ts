import { realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { RegistryStateError } from "../../errors.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import type { PlannedFile } from "./planned-file.ts";

/**
 * Refuses files that a link leads out of the folder that stands for `/`: a link with an absolute path in an image means
 * another place there than on this host, whose files must not change.
 *
 * @throws {RegistryStateError} that names the first one
 */
export function refuseOutside(root: string, files: readonly Pick<PlannedFile, "path">[]): void {
  if (root === "/") return;
  const real = realPath(root);
  for (const { path } of files) {
    const target = realPath(path);
    if (target.startsWith(`${real}/`)) continue;
    throw new RegistryStateError(`${path} leads to ${target}, which is outside of ${root}`, {
      hint: "make the link in it a relative one, or run this in the image itself (chroot)",
    });
  }
}

/** Of what is not there yet, that of the folder in which it will be. */
function realPath(path: string): string {
  const absolute = resolve(path);
  try {
    return realpathSync(absolute);
  } catch (error) {
    const isMissing = errorCodeOf(error) === "ENOENT" || errorCodeOf(error) === "ENOTDIR";
    if (!isMissing || absolute === "/") throw error;
    return `${realPath(dirname(absolute)).replace(/\/$/, "")}/${absolute.slice(absolute.lastIndexOf("/") + 1)}`;
  }
}
