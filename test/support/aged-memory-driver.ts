import type { ScannedFile } from "../../src/storage/abilities.ts";
import type { FileInfo } from "../../src/storage/driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import type {
  UnfinishedAmount,
  UnfinishedFile,
  UnfinishedWrites,
} from "../../src/storage/object-store-abilities.ts";

/** A store in memory where a test says when a file was written; what it says nothing of was written just now. */
export class AgedMemoryDriver extends MemoryDriver {
  /** By path, in milliseconds since 1970. */
  readonly times = new Map<string, number>();

  /** Writes a file as if at that time. */
  async putAt(path: string, content: string, modifiedMs: number): Promise<void> {
    await this.put(path, Buffer.from(content));
    this.times.set(path, modifiedMs);
  }

  override async *walk(path: string): AsyncGenerator<FileInfo> {
    for await (const file of super.walk(path)) yield this.#timed(file);
  }

  override async *scan(...options: Parameters<MemoryDriver["scan"]>): AsyncGenerator<ScannedFile[]> {
    for await (const batch of super.scan(...options)) yield batch.map((file) => this.#timed(file));
  }

  override async stat(path: string): Promise<FileInfo> {
    return this.#timed(await super.stat(path));
  }

  override statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    const info = super.statFileSync(path);
    return info && { ...info, modifiedMs: this.times.get(path) ?? info.modifiedMs };
  }

  #timed<T extends { path: string }>(file: T): T {
    const modifiedMs = this.times.get(file.path);
    return modifiedMs === undefined ? file : { ...file, modifiedMs };
  }
}

/** The same with parts of unfinished files, as an object store has them. */
export class AgedObjectStore extends AgedMemoryDriver implements UnfinishedWrites {
  /** One for each writer. */
  parts: (UnfinishedFile & UnfinishedAmount)[] = [];
  /** It answers that it has removed parts, and keeps them. */
  keepsParts = false;

  async unfinishedBytes(path: string): Promise<number | undefined> {
    return (await this.unfinishedAmount(path))?.sizeBytes;
  }

  async unfinishedAmount(path: string): Promise<UnfinishedAmount | undefined> {
    const own = this.parts.filter((part) => part.path === path);
    if (own.length === 0) return undefined;
    return {
      sizeBytes: own.reduce((sum, part) => sum + part.sizeBytes, 0),
      writtenMs: Math.max(...own.map(({ writtenMs }) => writtenMs)),
    };
  }

  async abandonUnfinished(path: string, startedBeforeMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.keepsParts) return;
    this.parts = this.parts.filter((part) => part.path !== path || part.startedMs >= startedBeforeMs);
  }

  async *listUnfinished(path: string): AsyncGenerator<UnfinishedFile> {
    for (const part of this.parts) {
      if (part.path.startsWith(`${path}/`)) yield { path: part.path, startedMs: part.startedMs };
    }
  }
}
