import * as fc from "fast-check";
import { removeIfEmpty } from "../../src/registry/small-file.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";

/** Something that goes wrong with one file of a registry. */
export interface Damage {
  kind: "lost blob" | "garbled blob" | "broken tag" | "lost revision link" | "lost layer link";
  /** Chooses among the files that it can befall. */
  pick: number;
}

/** Up to three damages. */
export const damages: fc.Arbitrary<Damage[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<Damage["kind"]>(
      "lost blob",
      "garbled blob",
      "broken tag",
      "lost revision link",
      "lost layer link",
    ),
    pick: fc.nat(200),
  }),
  { maxLength: 3 },
);

const VICTIMS: Readonly<Record<Damage["kind"], RegExp>> = {
  "lost blob": /\/blobs\/.*\/data$/,
  "garbled blob": /\/blobs\/.*\/data$/,
  "broken tag": /\/current\/link$/,
  "lost revision link": /\/revisions\/.*\/link$/,
  "lost layer link": /\/_layers\/.*\/link$/,
};

/** Does the damages one after the other; one that no file is left for does nothing. */
export async function damageTree(driver: StorageDriver, list: readonly Damage[]): Promise<void> {
  for (const { kind, pick } of list) {
    const paths: string[] = [];
    for await (const { path } of driver.walk("/docker")) if (VICTIMS[kind].test(path)) paths.push(path);
    const path = paths[pick % Math.max(paths.length, 1)];
    if (path === undefined) continue;
    if (kind === "garbled blob") await driver.put(path, Buffer.from("{}"));
    else if (kind === "broken tag") await driver.put(path, Buffer.from("nonsense"));
    else await driver.delete(path);
    // On a disk a folder that is left counts as the link to a blob: in doubt a collection keeps the blob for it.
    if (kind === "lost layer link") await removeIfEmpty(driver, path.slice(0, path.lastIndexOf("/")));
  }
}
