import type { FileInfo } from "../../src/storage/driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";

/** A store in memory whose clock and modification times a test sets. */
export class ClockedMemoryDriver extends MemoryDriver {
  /** What the store's clock says, and what is written now gets. */
  nowMs: number;
  readonly #times = new Map<string, number>();

  constructor(nowMs: number) {
    super();
    this.nowMs = nowMs;
  }

  override async now(): Promise<number> {
    return this.nowMs;
  }

  override async put(path: string, content: Uint8Array): Promise<void> {
    await super.put(path, content);
    this.#times.set(path, this.nowMs);
  }

  override async stat(path: string): Promise<FileInfo> {
    return this.#timed(await super.stat(path));
  }

  override async list(path: string): Promise<FileInfo[]> {
    return (await super.list(path)).map((info) => this.#timed(info));
  }

  override statFileSync(path: string): { sizeBytes: number; modifiedMs: number } | undefined {
    const info = super.statFileSync(path);
    return info && { ...info, modifiedMs: this.#times.get(path) ?? info.modifiedMs };
  }

  override async *scan(...options: Parameters<MemoryDriver["scan"]>): ReturnType<MemoryDriver["scan"]> {
    for await (const batch of super.scan(...options)) yield batch.map((file) => ({ path: file.path }));
  }

  #timed(info: FileInfo): FileInfo {
    return { ...info, modifiedMs: this.#times.get(info.path) ?? info.modifiedMs };
  }
}
