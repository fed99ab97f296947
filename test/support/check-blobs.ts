import { readdir } from "node:fs/promises";
import { join, sep } from "node:path";
import { digestFile } from "./oci-layout.ts";

/** What a process that died may leave: no key of the registry, and swept later. */
const UNFINISHED = /^\.registry-ctl-[0-9a-f]+\.tmp$/;

/** Hashes every blob of a filesystem store. @returns the paths of those whose bytes are not their digest's */
export async function findWrongBlobs(rootDirectory: string): Promise<{ checked: number; wrong: string[] }> {
  const blobs = join(rootDirectory, "docker", "registry", "v2", "blobs", "sha256");
  const wrong: string[] = [];
  let checked = 0;
  for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || UNFINISHED.test(entry.name)) continue;
    const path = join(entry.parentPath, entry.name);
    const hex = entry.parentPath.split(sep).at(-1);
    checked++;
    if (entry.name !== "data" || (await digestFile(path)) !== `sha256:${hex}`) wrong.push(path);
  }
  return { checked, wrong };
}
