import type { DutyPlace } from "../../state/duty.ts";
import { errorOfRun, ownCommand, runCommand } from "../run-own-command.ts";

/** A server of ours on the same store. */
export interface OtherServer {
  host: string;
  address: string;
}

/** What is known of other servers, and what was done; what `readonly nodes` prints. */
export interface NodesReport {
  schemaVersion: 1;
  command: "readonly nodes";
  /** Beside the one on this host. */
  others: OtherServer[];
  /** There was a request, and it was taken back. */
  withdrawn: boolean;
}

/** What all servers on a store are asked for. */
export interface NodesOrder {
  /** Of the request. */
  id: string;
  /** For people. */
  reason: string;
  by: string;
  drainMs: number;
  forMs?: number | undefined;
  /** Leaves an earlier request as it is, which does as well, and is not this one's to take back. */
  keepsEarlier?: boolean;
}

/*
 * A store is worked on as the user who owns it, for good. So that a command can do more as root afterwards, another one does
 * what has to be done in the store.
 */

/** @param ownPid - of the supervisor of our server on this host, which is no other one */
export function lookForNodes(place: DutyPlace, ownPid: number | undefined): Promise<NodesReport> {
  return run(place, ["look", ...ownOption(ownPid)]);
}

/**
 * Has all servers on the store refuse writes. When this comes back, nothing more is asked for: who gives up may withdraw
 * the request, in case whoever should have done that was killed.
 *
 * @throws {RegistryStateError} if one of them does not obey in time; nothing is asked for then
 * @throws what `signal` is aborted with
 */
export async function askNodes(
  place: DutyPlace,
  { id, reason, by, drainMs, forMs, keepsEarlier = false }: NodesOrder,
  { ownPid, signal }: { ownPid: number | undefined; signal: AbortSignal },
): Promise<NodesReport> {
  signal.throwIfAborted();
  const time = forMs === undefined ? [] : ["--for", `${Math.ceil(forMs / 1000)}s`];
  const words = ["--id", id, "--reason", reason, "--by", by, "--timeout", `${Math.ceil(drainMs / 1000)}s`];
  const earlier = keepsEarlier ? ["--keep-earlier"] : [];
  try {
    return await run(place, ["ask", ...words, ...time, ...earlier, ...ownOption(ownPid)], signal);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}

/** Takes a request back. @param id - undefined: whichever there is */
export function withdrawFromNodes(place: DutyPlace, id: string | undefined): Promise<NodesReport> {
  return run(place, ["withdraw", ...(id === undefined ? [] : ["--id", id])]);
}

function ownOption(pid: number | undefined): string[] {
  return pid === undefined ? [] : ["--own-pid", String(pid)];
}

async function run(place: DutyPlace, words: readonly string[], signal?: AbortSignal): Promise<NodesReport> {
  const options = [
    ...(place.stateDir === undefined ? [] : ["--state-dir", place.stateDir]),
    ...place.envFrom.flatMap((source) => ["--env-from", source]),
    ...(place.config === undefined ? [] : ["--config", place.config]),
  ];
  const reply = await runCommand(ownCommand([...options, "readonly", "nodes", ...words]), place.cwd, signal);
  if (reply.exitCode !== 0) throw errorOfRun(reply);
  return JSON.parse(reply.stdout) as NodesReport;
}
