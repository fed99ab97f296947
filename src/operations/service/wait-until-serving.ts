import type { ReadProbeResult } from "../../client/read-probe.ts";
import type { Control, ServerStatus } from "../../control/protocol.ts";
import { CancelledError, RegistryCtlError } from "../../errors.ts";
import { OWN_PROGRAM, type RegistryHost } from "./registry-host.ts";

const LOOK_EVERY_MS = 200;
/**
 * How often in a row a service must say that it does not run, before that is believed: it may be between two
 * states.
 */
const STOPPED_LOOKS = 3;
/** Workers of ours may answer so many looks before their supervisor does, or its socket is where nobody looks. */
const SOCKET_LOOKS = 50;
const WITHOUT_SOCKET = "it answers at its address, but not on its control socket";
/** So many lines of its log tell why a registry does not serve. */
const LOG_LINES = 15;

/** A registry that serves. */
export interface ServingRegistry {
  /** Undefined: it is not ours. */
  control: Control | undefined;
  status: ServerStatus | undefined;
}

/** What is waited for, and for how long. */
export interface ServingWait {
  timeoutMs: number;
  /** Of our server that is waited for, where it is known: another one that serves the store is not taken for it. */
  pid?: number;
  /** Throws when it cannot come any more. */
  check?: () => void;
}

/**
 * Waits until the registry serves: ours, when all of its workers listen; another one, when it can be read from, or
 * asks who wants to.
 *
 * @throws {RegistryCtlError} `ERR_START` with what its log says last, if it does not in time
 * @throws {CancelledError} when the host's signal is aborted
 */
export async function waitUntilServing(
  host: RegistryHost,
  { timeoutMs, pid, check = () => undefined }: ServingWait,
): Promise<ServingRegistry> {
  const deadlineMs = host.nowMs() + timeoutMs;
  let answeredLooks = 0;
  for (let stopped = 0; ; ) {
    check();
    const control = await host.findControl(pid);
    const status = await control?.status().catch(() => undefined);
    const isOther = status !== undefined && pid !== undefined && status.pid !== pid;
    if (status && isServing(status) && !isOther) return { control, status };
    let answer = isOther ? `process ${status.pid} serves the store` : "its workers do not listen yet";
    if (!control) {
      // Each answer is a line in its log, among which those would be lost that say what is wrong.
      const isTime = answeredLooks === 0 || answeredLooks > SOCKET_LOOKS;
      const probe = isTime ? await host.probe() : undefined;
      answeredLooks = probe && !isAnswering(probe) ? 0 : answeredLooks + 1;
      answer = probe && !isAnswering(probe) ? explain(probe) : WITHOUT_SOCKET;
      const isLate = answeredLooks > SOCKET_LOOKS;
      if (host.service && answeredLooks > 0 && (isLate || !(await isOurs(host))))
        return { control: undefined, status: undefined };
      if (isLate) throw await notServing(host, WITHOUT_SOCKET);
    }
    stopped = (await host.service?.isRunning()) === false ? stopped + 1 : 0;
    if (stopped >= STOPPED_LOOKS) throw await notServing(host, `${host.service?.describe()} does not run`);
    if (host.signal.aborted)
      throw new CancelledError("not waited for any longer", { hint: "see registry-ctl status" });
    if (host.nowMs() >= deadlineMs)
      throw await notServing(host, `not within ${Math.round(timeoutMs / 1000)} seconds: ${answer}`);
    await host.sleep(LOOK_EVERY_MS);
  }
}

/** @returns whether all workers listen, or make room for others that do */
export function isServing({ workers }: Pick<ServerStatus, "workers">): boolean {
  return (
    workers.some(({ state }) => state === "listening") && workers.every(({ state }) => state !== "starting")
  );
}

async function isOurs(host: RegistryHost): Promise<boolean> {
  const others = await host.findForeign();
  // Its control socket may have come meanwhile, and then it is no longer among them.
  return others.some(({ program }) => program === OWN_PROGRAM) || (await host.findControl()) !== undefined;
}

/** Tells whether a registry answers, be it that it asks who wants to know. */
export function isAnswering({ kind }: ReadProbeResult): boolean {
  return kind === "works" || kind === "denied";
}

function explain(probe: ReadProbeResult): string {
  return "answer" in probe ? `it answers ${probe.answer}` : "nothing listens at its address";
}

async function notServing(host: RegistryHost, why: string): Promise<RegistryCtlError> {
  const lines = await host.serviceLog(LOG_LINES).catch(() => []);
  return new RegistryCtlError("ERR_START", `the registry does not serve: ${why}${quoteLog(lines)}`, {
    hint: "see its log with registry-ctl tail",
  });
}

/** @returns lines of a log as the end of a message; nothing if there are none */
export function quoteLog(lines: readonly string[]): string {
  return lines.length === 0 ? "" : `\nits last lines:\n${lines.map((line) => `  ${line}`).join("\n")}`;
}
