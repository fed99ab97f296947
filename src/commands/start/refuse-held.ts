import type { LoadedConfig } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import { stateOfDuty } from "../../operations/hold/is-due.ts";
import { openDuties } from "../../process/duties/open-duties.ts";
import { currentMachine } from "../../process/machine/run-process.ts";

/**
 * Keeps the registry from being started under the hands of a command that has stopped it for its time, such as a
 * collection that deletes what a running registry would rely on.
 *
 * @param stateDir - `--state-dir`
 * @throws {RegistryStateError} if such a command of this user is at work
 */
export function refuseHeld({ settings }: LoadedConfig, stateDir: string | undefined): void {
  const [store, machine] = [storeName(settings.storage), currentMachine()];
  const held = openDuties(stateDir)
    .list()
    .find(
      ({ duty }) =>
        duty.undo.kind === "stop" &&
        duty.store === store &&
        stateOfDuty(duty, machine, Date.now()) === "running",
    );
  if (held === undefined) return;
  const { by, reason, holder } = held.duty;
  const who = holder === undefined ? by : `process ${holder.pid} of ${by}`;
  throw new RegistryStateError(
    `${who} has stopped the registry for its time (${reason}), and starts it again itself`,
    {
      hint: "wait for it, or end it: registry-ctl garbage-collect stop",
    },
  );
}
