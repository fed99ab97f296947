import { deflateRawSync, inflateRawSync } from "node:zlib";
import { parseSnapshotRecord, renderSnapshotRecord, type SnapshotRepository } from "./snapshot-records.ts";

/** Repositories of a snapshot in the making, packed: some 45 bytes for each link. */
export class RecordSpool {
  readonly #packed: (Uint8Array | undefined)[] = [];

  get length(): number {
    return this.#packed.length;
  }

  push(record: SnapshotRepository): void {
    this.#packed.push(pack(record));
  }

  /**
   * @param record - undefined: the repository is gone
   * @returns whether it is another one than before
   */
  replace(index: number, record: SnapshotRepository | undefined): boolean {
    const before = this.#packed[index];
    const packed = record && pack(record);
    this.#packed[index] = packed;
    return !(before === packed || (before && packed && Buffer.compare(before, packed) === 0));
  }

  /** @returns undefined for a repository that has gone */
  at(index: number): SnapshotRepository | undefined {
    const packed = this.#packed[index];
    if (packed === undefined) return undefined;
    const record = parseSnapshotRecord(inflateRawSync(packed).toString("utf8"));
    return record.type === "repository" ? record : undefined;
  }

  /** All that are there, in the order in which they came. */
  *entries(): Generator<[index: number, record: SnapshotRepository]> {
    for (let index = 0; index < this.#packed.length; index++) {
      const record = this.at(index);
      if (record) yield [index, record];
    }
  }
}

function pack(record: SnapshotRepository): Uint8Array {
  return deflateRawSync(renderSnapshotRecord(record), { level: 1 });
}
