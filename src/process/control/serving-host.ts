import type { LogSettings, Settings } from "../../config/settings.ts";
import type { TagSetRequest, WorkerStatus } from "../../control/protocol.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { OtherSeat } from "../workers/worker-seat.ts";

/** The processes that serve, as those who look after a running server see them. */
export interface ServingHost {
  /** What each of them is busy with. */
  status(): Promise<WorkerStatus[]>;
  /** Why they do not serve as they should, for people. */
  problems(): string[];
  /**
   * Has all of them refuse writes, or take them; those that start later do the same.
   *
   * @param drainMs - how long writes under way may go on
   * @returns when none is under way any more: how many were cut off
   * @throws {RegistryStateError} if that cannot be had from all of them
   */
  setReadOnly(on: boolean, drainMs: number): Promise<number>;
  /**
   * Has all of them take no writes to these repositories, and to all others; those that start later do the same.
   *
   * @param drainMs - how long writes to them that are under way may go on
   * @returns when none is under way any more: how many were cut off
   * @throws {RegistryStateError} if that cannot be had from all of them
   */
  holdNames(names: readonly HeldName[], drainMs: number): Promise<number>;
  /** Has them forget what they remember of the store's content. */
  flushCaches(): Promise<void>;
  /**
   * Has one of them point a tag to a manifest.
   *
   * @throws {RegistryStateError} if something of the manifest lacks, writes are refused, or nobody serves
   */
  setTag(request: TagSetRequest): Promise<void>;
  setLog(settings: LogSettings): void;
  /**
   * Puts new processes in the place of all. The old ones end when the new ones serve, and drop no request.
   *
   * @param settings - of the new ones, and of all that start later
   * @param other - of the store of these settings, where it is another one. The old ones take no writes any more, whatever
   *   is asked for later
   * @throws {RegistryCtlError} if the new ones cannot serve: then nothing has changed
   */
  replace(settings: Settings, other?: OtherSeat): Promise<void>;
}
