import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** A line of `mountinfo`: a part of a file system and where it is seen. */
interface Mount {
  /** `major:minor` of the file system. */
  device: string;
  /** What of the file system is mounted. */
  root: string;
  /** Where. */
  point: string;
}

/**
 * Tells whether a file is mounted by itself, in this namespace or that of a container: another file by its name would not be
 * seen there. Other namespaces can be looked into by root only, and by the user whose processes live there.
 *
 * @param path - the real path
 * @returns false where there is no `/proc`
 * @see https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
 */
export function isMountedElsewhere(path: string, procFolder = "/proc"): boolean {
  const own = mountsOf(join(procFolder, "self"));
  if (own.some(({ point }) => point === path)) return true;
  const home = own
    .filter(({ point }) => path.startsWith(point.endsWith("/") ? point : `${point}/`))
    .sort((a, b) => b.point.length - a.point.length)[0];
  if (home === undefined) return false;
  const inFileSystem = join(home.root, path.slice(home.point.length));
  const isSame = ({ device, root }: Mount): boolean => root === inFileSystem && device === home.device;
  return namespacesIn(procFolder).some((folder) => mountsOf(folder).some(isSame));
}

/** @returns the folder of one process of each namespace of mounts */
function namespacesIn(procFolder: string): string[] {
  const seen = new Map<string, string>();
  try {
    for (const name of readdirSync(procFolder)) {
      if (!/^\d+$/.test(name)) continue;
      const folder = join(procFolder, name);
      const namespace = readLink(join(folder, "ns/mnt"));
      if (namespace !== undefined && !seen.has(namespace)) seen.set(namespace, folder);
    }
  } catch {
    return [];
  }
  return [...seen.values()];
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

function mountsOf(folder: string): Mount[] {
  try {
    return readFileSync(join(folder, "mountinfo"), "utf8")
      .split("\n")
      .map((line) => line.split(" "))
      .map(([, , device = "", root = "", point = ""]) => ({
        device,
        root: unescapeOctal(root),
        point: unescapeOctal(point),
      }));
  } catch {
    return [];
  }
}

/** White space and backslashes are written as `\040`. */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
