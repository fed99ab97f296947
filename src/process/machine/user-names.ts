import { readFileSync } from "node:fs";

/** @returns the names of a user and a group on this host, where its files have them; those of network directories are unknown */
export function namesOf({ uid, gid }: { uid: number; gid: number }): {
  user: string | undefined;
  group: string | undefined;
} {
  return { user: nameOf("/etc/passwd", uid), group: nameOf("/etc/group", gid) };
}

/** In both files the name is the first field of a line, and the number the third. */
function nameOf(file: string, id: number): string | undefined {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.map((line) => line.split(":")).find(([, , number]) => number === String(id))?.[0];
  } catch {
    return undefined;
  }
}
