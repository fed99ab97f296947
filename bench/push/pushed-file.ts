import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { generateBlob } from "../../test/support/generated-blob.ts";

const READ_BYTES = 1 << 20;

/** A file of bytes that cannot be compressed. */
export class PushedFile {
  readonly path: string;
  readonly sizeBytes: number;

  private constructor(path: string, sizeBytes: number) {
    this.path = path;
    this.sizeBytes = sizeBytes;
  }

  static async write(folder: string, sizeBytes: number): Promise<PushedFile> {
    const path = join(folder, "blob");
    const file = await open(path, "w");
    try {
      for (const block of generateBlob(sizeBytes)) await file.write(block);
      await file.sync();
    } finally {
      await file.close();
    }
    return new PushedFile(path, sizeBytes);
  }

  /** Makes it another blob, which no registry has. @returns the new digest; the file is in the page cache then */
  async change(text: string): Promise<string> {
    const file = await open(this.path, "r+");
    try {
      await file.write(Buffer.from(text.padEnd(32).slice(0, 32)), 0, 32, 0);
      await file.sync();
    } finally {
      await file.close();
    }
    const hash = createHash("sha256");
    for await (const chunk of createReadStream(this.path, { highWaterMark: READ_BYTES })) hash.update(chunk);
    return `sha256:${hash.digest("hex")}`;
  }
}
