import { execa } from "execa";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";

const TIMEOUT_MS = 5_000;

/**
 * Tells systemd about this process, where it is a service of `Type=notify`. Node cannot send to such a socket, so that a
 * program of systemd's does; the unit must let it speak for the service (`NotifyAccess=all`).
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
 * @param state - such as `READY=1`
 */
export async function notifySystemd(state: string, logger: Logger): Promise<void> {
  if (process.env["NOTIFY_SOCKET"] === undefined) return;
  try {
    await execa("systemd-notify", [`--pid=${process.pid}`, state], { timeout: TIMEOUT_MS, stdio: "ignore" });
  } catch (error) {
    logger.warn("systemd could not be told about the server", { state, error: messageOf(error) });
  }
}
