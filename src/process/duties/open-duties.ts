import { homedir } from "node:os";
import { resolve } from "node:path";
import { Duties } from "../../state/duties.ts";
import type { DutyHolder } from "../../state/duty.ts";
import { currentMachine } from "../machine/run-process.ts";

/**
 * @param stateDir - `--state-dir`
 * @returns what the user that runs this process now has to undo. To be called before root becomes another user
 */
export function openDuties(stateDir: string | undefined): Duties {
  return new Duties({
    stateDir: stateDir === undefined ? undefined : resolve(stateDir),
    user: { uid: process.getuid?.() ?? 0, home: homedir(), env: process.env },
  });
}

/** @returns this process, as duties name it */
export function currentDutyHolder(): DutyHolder {
  const { host, bootId, pidNamespace, pid, startOf } = currentMachine();
  const processStart = startOf(pid);
  return { host, bootId, pidNamespace, pid, ...(processStart === undefined ? {} : { processStart }) };
}
