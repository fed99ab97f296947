import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** What there is nothing left of. */
export type Scarce = "bytes" | "inodes";

/** Writes into a folder until its disk is full. The disk should be small. */
export function fillDisk(folder: string, scarce: Scarce): void {
  try {
    if (scarce === "inodes")
      for (let number = 0; ; number++) closeSync(openSync(join(folder, `f${number}`), "w"));
    const ballast = openSync(join(folder, "ballast"), "w");
    try {
      for (;;) writeSync(ballast, Buffer.alloc(4096));
    } finally {
      closeSync(ballast);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error;
  }
}
