import { execa } from "execa";
import type { KeptDuty } from "../../state/duties.ts";
import { errorOfRun, runCommand } from "../run-own-command.ts";
import { restoreOrder } from "./restore-command.ts";
import { startTimedWatchdog, startWatchdog } from "./start-watchdog.ts";

const RECOVER = 'run "registry-ctl recover" as the user who ran this';

/** Ends a duty when this process does not. */
export interface DutyWatcher {
  /** Ends the duty now. @throws {RegistryCtlError} if that failed; the duty is kept then */
  end(): Promise<void>;
  /** Stops watching. */
  stop(): Promise<void>;
}

/**
 * Watches over a duty from now on: when this process dies, a process of its own ends the duty. That one has the rights that
 * this process has now, also when this one becomes another user.
 *
 * @throws {RegistryCtlError} if it cannot be started
 */
export async function watchDuty(kept: KeptDuty): Promise<DutyWatcher> {
  const order = restoreOrder(kept);
  const watchdog = await startWatchdog(order);
  return {
    stop: () => watchdog.stop(),
    async end() {
      const reply = (await watchdog.end()) ?? (await runCommand(order.command, order.cwd));
      if (reply.exitCode !== 0) throw errorOfRun(reply, RECOVER);
    },
  };
}

/**
 * Has a duty ended at its time, although this process and its terminal are gone by then: by a timer of systemd where that
 * can be asked for one, else by a process of its own.
 *
 * @param options.bySystemd - the registry is a unit of systemd's
 * @returns who does it, for people
 * @throws {RegistryCtlError} if nobody can be found
 */
export async function endDutyAt(
  kept: KeptDuty,
  untilMs: number,
  { bySystemd }: { bySystemd: boolean },
): Promise<string> {
  const order = restoreOrder(kept);
  if (bySystemd && (await makeTimer(kept, order.command, untilMs))) return "a timer of systemd";
  await startTimedWatchdog({ ...order, untilMs });
  return "a process in the background";
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/systemd-run.html */
async function makeTimer({ duty }: KeptDuty, command: readonly string[], untilMs: number): Promise<boolean> {
  const time = new Date(untilMs).toISOString().replace("T", " ").replace(/\..*$/, " UTC");
  const { exitCode } = await execa(
    "systemd-run",
    [
      "--quiet",
      "--collect",
      `--unit=registry-ctl-${duty.id}`,
      `--description=${duty.reason}`,
      `--on-calendar=${time}`,
      "--timer-property=AccuracySec=1s",
      "--",
      ...command,
    ],
    { reject: false, stdin: "ignore", timeout: 20_000 },
  );
  return exitCode === 0;
}
