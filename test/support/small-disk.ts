import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A disk in memory that is soon full. */
export interface SmallDisk {
  path: string;
  unmount(): void;
}

/**
 * Mounts a tmpfs, which only root may.
 *
 * @param options - as for mount(8), such as `size=1m` or `nr_inodes=20`
 * @returns undefined, after a line on stderr, where that is not possible
 */
export function mountSmallDisk(options: string): SmallDisk | undefined {
  const path = mkdtempSync(join(tmpdir(), "registry-ctl-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "pipe" });
  } catch {
    rmSync(path, { recursive: true });
    console.warn(
      "SKIPPED: full disks are not tested, since a tmpfs cannot be mounted here (run the tests as root)",
    );
    return undefined;
  }
  return {
    path,
    unmount: () => {
      execFileSync("umount", ["-l", path], { stdio: "pipe" });
      rmSync(path, { recursive: true });
    },
  };
}
