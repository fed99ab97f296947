/** What a watchdog is to do, and when. It stands on its command line: it has no secrets. */
export interface WatchdogOrder {
  /** Program and arguments that bring back what was changed; exit code 0: it is done. */
  command: string[];
  /** Where it runs, if that folder is still there. */
  cwd: string;
  /** File that is gone when there is nothing to do any more. */
  file: string;
  /** Milliseconds since 1970; undefined: when the pipe ends on which who changed it says that it lives. */
  untilMs?: number;
}

/** What came of a command that a watchdog ran. */
export interface WatchdogReply {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** @throws {Error} if it is none; both ends are of one installation, so that this is enough of a check */
export function parseWatchdogOrder(text: string | undefined): WatchdogOrder {
  const order = JSON.parse(text ?? "") as WatchdogOrder;
  if (!Array.isArray(order.command) || order.command.length === 0)
    throw new Error("a watchdog has nothing to do");
  return order;
}

/** @returns undefined for what is no reply */
export function parseWatchdogReply(line: string): WatchdogReply | undefined {
  try {
    const reply = JSON.parse(line) as WatchdogReply;
    return typeof reply.exitCode === "number" ? reply : undefined;
  } catch {
    return undefined;
  }
}
