import { dirname } from "node:path";
import type { KeptDuty } from "../../state/duties.ts";
import type { WatchdogOrder } from "./watchdog-order.ts";

/**
 * @param kept - a duty in a folder of duties, which lies in the state folder
 * @returns what brings back what the duty names: this program, as a command that people have no need of
 */
export function restoreOrder({ file, duty }: KeptDuty): WatchdogOrder {
  const script = process.argv[1];
  if (script === undefined) throw new Error("the script that runs is not known");
  const stateDir = dirname(dirname(file));
  const command = [process.execPath, script, "--json", "--state-dir", stateDir, "readonly", "restore", file];
  return { command, cwd: duty.place.cwd, file };
}
