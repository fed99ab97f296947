import type { ReadProbeResult } from "../../client/read-probe.ts";
import type { Control, ReloadAnswer, ServerStatus } from "../../control/protocol.ts";
import { CancelledError, RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { RegistryHost } from "../service/registry-host.ts";
import { waitUntilServing } from "../service/wait-until-serving.ts";

/** How a server is judged. */
export interface HealthOptions {
  /** How long it may take to be well. */
  timeoutMs: number;
  /** Asks at the address at which the server says that it listens. */
  probe: (address: string) => Promise<ReadProbeResult>;
}

/** The server with the new settings. */
export interface AppliedToServer {
  answer: ReloadAnswer;
  status: ServerStatus;
}

const LOOK_EVERY_MS = 300;
/** So many good looks in a row: new workers that die at their first requests are not well. */
const GOOD_LOOKS = 3;

/**
 * Makes our running server take its configuration, and waits until it is well: all workers listen, it tells of no new
 * problem, and it answers from its store. If it is not in time, it gets its old settings back.
 *
 * @throws {ConfigError} if the configuration is wrong; nothing has changed then
 * @throws {RegistryCtlError} `ERR_RECONFIGURE` if it was not well, which says what became of it
 */
export async function applyToServer(
  registry: RegistryHost,
  control: Control,
  options: HealthOptions,
): Promise<AppliedToServer> {
  // By the store it may not be found, before it works on that or when it does so no more.
  const findControl = async () => (await registry.findControl()) ?? (await registry.findOfConfig());
  const host: RegistryHost = { ...registry, signal: registry.signal, findControl };
  const before = await control.status();
  const answer = await control.reload();
  // What waits for another start has changed nothing: there is nothing that could be taken back.
  if (answer.changed.length === answer.pending.length) return { answer, status: await control.status() };
  try {
    return { answer, status: await waitUntilWell(host, { ...options, known: before.problems }) };
  } catch (error) {
    throw await takeBack(host, control, options, error);
  }
}

async function waitUntilWell(
  host: RegistryHost,
  { timeoutMs, probe, known }: HealthOptions & { known: readonly string[] },
): Promise<ServerStatus> {
  const deadlineMs = host.nowMs() + timeoutMs;
  await waitUntilServing(host, { timeoutMs });
  for (let good = 0; ; ) {
    const control = await host.findControl();
    const status = await control?.status();
    const problem = status === undefined ? "it is gone" : await problemOf(status, probe, known);
    good = problem === undefined ? good + 1 : 0;
    if (status !== undefined && good >= GOOD_LOOKS) return status;
    if (host.signal.aborted) throw new CancelledError("stopped before the server was seen to be well");
    if (host.nowMs() >= deadlineMs) {
      const seconds = Math.round(timeoutMs / 1000);
      throw new RegistryCtlError(
        "ERR_UNWELL",
        `not within ${seconds} seconds: ${problem ?? "it has only just got well"}`,
      );
    }
    await host.sleep(LOOK_EVERY_MS);
  }
}

async function problemOf(
  status: ServerStatus,
  probe: HealthOptions["probe"],
  known: readonly string[],
): Promise<string | undefined> {
  const starting = status.workers.some(({ state }) => state === "starting");
  if (starting || status.workers.length === 0) return "its workers do not listen yet";
  const fresh = status.problems.find((problem) => !known.includes(problem));
  if (fresh !== undefined) return fresh;
  const result = await probe(status.address);
  if (result.kind === "works" || result.kind === "denied") return undefined;
  return result.kind === "nobody" ? `nobody listens at ${status.address}` : `it answers ${result.answer}`;
}

async function takeBack(
  host: RegistryHost,
  control: Control,
  { timeoutMs }: HealthOptions,
  cause: unknown,
): Promise<RegistryCtlError> {
  const why = messageOf(cause);
  if (cause instanceof CancelledError) {
    return await undone(host, control, timeoutMs).then(
      () => new CancelledError("stopped; the server uses its old configuration again", { cause }),
      (error: unknown) => notUndone(why, error),
    );
  }
  return await undone(host, control, timeoutMs).then(
    () =>
      new RegistryCtlError(
        "ERR_RECONFIGURE",
        `the server was not well with the new configuration: ${why}; it uses the old one again`,
        {
          cause,
          hint: "put the file right and run reconfigure again: a server that is started anew would take it as it is",
        },
      ),
    (error: unknown) => notUndone(why, error),
  );
}

async function undone(host: RegistryHost, control: Control, timeoutMs: number): Promise<void> {
  await control.undoReload();
  // What the signal has stopped is the waiting for the new one.
  await waitUntilServing({ ...host, signal: new AbortController().signal }, { timeoutMs });
}

function notUndone(why: string, error: unknown): RegistryCtlError {
  return new RegistryCtlError(
    "ERR_RECONFIGURE",
    `the server was not well with the new configuration (${why}), and could not be given the old one: ${messageOf(error)}`,
    {
      cause: error,
      hint: "see registry-ctl status and registry-ctl tail; put the file right, then: registry-ctl restart",
    },
  );
}
