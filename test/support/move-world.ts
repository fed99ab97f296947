import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ServerBeside } from "../../src/operations/move/move-options.ts";
import type { MoveReport } from "../../src/operations/move/move-report.ts";
import type { MoveRequest } from "../../src/operations/move/move-request.ts";
import { runMove } from "../../src/operations/move/run-move.ts";
import { Moves } from "../../src/state/moves.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { type StorageMethod, wrapDriver } from "../../src/storage/wrappers/wrap-driver.ts";

/** @returns where moves are remembered, in a new folder */
export function newMoves(): Moves {
  return new Moves(mkdtempSync(join(tmpdir(), "registry-ctl-moves-")));
}

/** Moves in a store of which nobody else knows. */
export function moveIn(
  driver: StorageDriver,
  request: Partial<MoveRequest> & { old: string },
  more: { moves?: Moves; dryRun?: boolean; server?: ServerBeside } = {},
): Promise<MoveReport> {
  return runMove(
    {
      ...{ driver, nowMs: Date.now, server: more.server, moves: more.moves },
      holder: { host: "h", bootId: "b", pidNamespace: "n", pid: 1, isAlive: () => false },
      probe: async () => ({ kind: "nobody" }),
    },
    { kind: "move", new: undefined, isProject: false, merge: false, ...request },
    {
      ...{ dryRun: more.dryRun ?? false, force: false, wouldHold: false, usesMetadataDatabase: false },
      otherStores: [],
      onPlan: async () => {},
    },
  );
}

const CHANGES: readonly StorageMethod[] = [
  "put",
  "putOver",
  "delete",
  "setModified",
  "linkFiles",
  "moveFolder",
];

/**
 * A store that is looked at after each change to its repositories, and on which the process dies.
 *
 * @param changes - so many changes happen; the next call, and all behind it, fail
 */
export function dyingDriver(
  inner: StorageDriver,
  changes: number,
  look: () => Promise<void>,
  without: readonly StorageMethod[] = [],
): StorageDriver {
  let left = changes;
  return wrapDriver(inner, {
    without: ["deleteMany", "deleteFileSync", "removeFolderSync", "scanDownTo", "listNamesSync", ...without],
    call: async ({ method, path }, run) => {
      if (left < 0) throw new Error("killed");
      const isChange = CHANGES.includes(method) && path.includes("/repositories/");
      if (isChange && --left < 0) throw new Error("killed");
      const result = await run();
      if (isChange) await look();
      return result;
    },
  });
}
