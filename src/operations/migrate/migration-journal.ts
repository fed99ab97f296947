import type { DutyHolder } from "../../state/duty.ts";
import type { MigrationRecord, MigrationRound } from "../../state/migration-record.ts";
import type { Migrations } from "../../state/migrations.ts";

/** The record of one move while somebody works on it. What is changed is on the disk when the call returns. */
export class MigrationJournal {
  readonly #migrations: Migrations;
  readonly #nowMs: () => number;
  #record: MigrationRecord;

  constructor(migrations: Migrations, record: MigrationRecord, nowMs: () => number) {
    this.#migrations = migrations;
    this.#record = record;
    this.#nowMs = nowMs;
  }

  get record(): MigrationRecord {
    return this.#record;
  }

  /** The folder in which the move is remembered, for its owner alone. */
  get folder(): string {
    return this.#migrations.folderOf(this.#record.id);
  }

  /** A folder for what does not belong into memory. */
  get spoolFolder(): string {
    return this.#migrations.spoolFolder(this.#record.id);
  }

  /** A folder for the times of files that were copied. */
  get timesFolder(): string {
    return this.#migrations.timesFolder(this.#record.id);
  }

  /** Says that this process works on it. */
  begin(holder: DutyHolder): void {
    this.update({ holder });
  }

  update(changes: Partial<MigrationRecord>): void {
    this.#write({ ...this.#record, ...changes });
  }

  /** Takes keys away. */
  forget(...names: ("round" | "switching" | "keptConfig" | "switchedAt")[]): void {
    const record = { ...this.#record };
    for (const name of names) delete record[name];
    this.#write(record);
  }

  setRound(round: MigrationRound): void {
    this.update({ round });
  }

  /** Removes what was spooled by rounds that are over. */
  clearSpool(): void {
    this.#migrations.clearSpool(this.#record.id);
  }

  #write(record: MigrationRecord): void {
    this.#record = { ...record, changedAt: new Date(this.#nowMs()).toISOString() };
    this.#migrations.write(this.#record);
  }
}
