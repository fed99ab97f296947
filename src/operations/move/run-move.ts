import { CancelledError, RegistryStateError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { messageOf } from "../../lib/message-of.ts";
import { isParked } from "../../registry/parked.ts";
import { commandOf, type MoveRecord } from "../../state/move-record.ts";
import { liveNodes } from "../../state/nodes.ts";
import { acquireStoreLock, type StoreLock } from "../../state/store-lock.ts";
import { metadataDatabaseProblem, writeProblem } from "../gc/check-state.ts";
import { RequestMeter } from "../gc/store-facts.ts";
import { writingNodesProblem } from "../nodes/writing-nodes.ts";
import { nothingThere, otherMove, planProblem, resumedBy, unfinished } from "./check-move.ts";
import type { HeldNames, MoveDependencies, MoveOptions } from "./move-options.ts";
import { amountsOf, type MoveReport } from "./move-report.ts";
import { checkMoveRequest, type MovedNames, type MoveRequest, namesOf } from "./move-request.ts";
import { type MovePlan, planMove } from "./plan-move.ts";
import { Relocation } from "./relocation.ts";

/**
 * Gives repositories another name, parks them under none, or takes them from there. No blob is read or copied. Whatever stops
 * it, at least one of both names of each repository has all that it had, and the other one no tag more than before; the
 * same call does the rest. A dry run changes nothing and never refuses: it warns of what would stop a real one.
 *
 * @throws {UsageError} if there is no such repository, or the names are no good
 * @throws {RegistryStateError} if it is not safe: a metadata database, another store, no proof that nobody writes, a held
 *   lock; or something is in the way
 * @throws {StorageUnavailableError}
 * @throws {CancelledError} when `signal` is aborted
 */
export async function runMove(
  dependencies: MoveDependencies,
  request: MoveRequest,
  options: MoveOptions,
): Promise<MoveReport> {
  checkMoveRequest(request);
  return new MoveRun(dependencies, request, options).run();
}

class MoveRun {
  readonly #dependencies: MoveDependencies;
  readonly #request: MoveRequest;
  readonly #options: MoveOptions;
  readonly #names: MovedNames;
  readonly #startedMs: number;
  readonly #requests: RequestMeter;
  readonly #warnings: string[] = [];
  #resumed: MoveRecord | undefined;
  #ways: MoveReport["ways"];

  constructor(dependencies: MoveDependencies, request: MoveRequest, options: MoveOptions) {
    this.#dependencies = dependencies;
    this.#request = request;
    this.#options = options;
    this.#names = namesOf(request);
    this.#startedMs = dependencies.nowMs();
    this.#requests = new RequestMeter(dependencies.driver);
  }

  async run(): Promise<MoveReport> {
    const { otherStores, dryRun, usesMetadataDatabase, onPlan } = this.#options;
    const { driver, moves } = this.#dependencies;
    const database = await metadataDatabaseProblem(driver, usesMetadataDatabase);
    if (database) this.#refuse(new RegistryStateError(database.message, { hint: DATABASE_HINT }));
    for (const problem of otherStores) this.#refuse(problem);
    await this.#requireNoWriter();
    const records = moves?.list() ?? [];
    this.#resumed = resumedBy(this.#request, records);
    const other = otherMove(this.#request, records);
    if (other) this.#refuse(unfinished(other));
    const plan = await this.#plan();
    if (dryRun) return this.#report(plan);
    await onPlan(plan);
    const done = await this.#moveLocked();
    return this.#report(done);
  }

  async #moveLocked(): Promise<MovePlan> {
    const { driver, holder, nowMs } = this.#dependencies;
    const lock = await acquireStoreLock(driver, holder, nowMs);
    try {
      if (lock.warning) this.#warnings.push(`no lock was taken: ${lock.warning}`);
      const held = await this.#hold();
      try {
        return await this.#move(lock, held);
      } finally {
        await held?.release();
      }
    } finally {
      await lock.release();
    }
  }

  async #hold(): Promise<HeldNames | undefined> {
    const { isProject, old } = this.#request;
    const names = Object.values(this.#names)
      .filter((name) => !isParked(name))
      .map((name: string) => ({ name, isProject }));
    return this.#dependencies.server?.hold(names, `move of ${old}`, this.#options.signal);
  }

  /** What is there may have changed while somebody was asked, or waited for. */
  async #move(lock: StoreLock, held: HeldNames | undefined): Promise<MovePlan> {
    const { onProgress, signal } = this.#options;
    const plan = await this.#plan();
    const relocation = new Relocation(this.#dependencies, {
      ...{ names: this.#names, request: this.#request, signal },
      beforeBatch: async () => {
        await lock.check();
        held?.check();
        if (held === undefined) await this.#askAgain();
      },
      onProgress,
    });
    this.#remember("moving");
    try {
      this.#ways = await relocation.run(plan);
    } catch (error) {
      throw error instanceof CancelledError ? this.#cancelled(error) : error;
    }
    await held?.dropCaches();
    if (this.#request.kind === "hold") this.#remember("parked");
    else this.#forget();
    return plan;
  }

  async #plan(): Promise<MovePlan> {
    const { driver } = this.#dependencies;
    const { isProject } = this.#request;
    const plan = await planMove(driver, this.#names, { isProject, signal: this.#options.signal });
    if (plan.repositories.length === 0 && this.#resumed === undefined)
      throw nothingThere(this.#names, this.#request);
    const problem = planProblem(plan, this.#request, this.#resumed !== undefined);
    if (problem) this.#refuse(problem);
    return plan;
  }

  /** Where nothing can be remembered, the same is done again with --merge. */
  #remember(phase: MoveRecord["phase"]): void {
    const { moves, holder, nowMs } = this.#dependencies;
    const { kind, old, new: target, isProject } = this.#request;
    const nowText = new Date(nowMs()).toISOString();
    const startedAt = this.#resumed?.startedAt ?? new Date(this.#startedMs).toISOString();
    const { host, pid } = holder;
    try {
      moves?.write({
        ...{ schemaVersion: 1, kind, old, isProject, phase, startedAt, changedAt: nowText, host, pid },
        ...(target === undefined ? {} : { new: target }),
      });
    } catch (error) {
      this.#warnings.push(`${messageOf(error)}; if it is stopped, do the rest with --merge`);
    }
  }

  #forget(): void {
    try {
      this.#dependencies.moves?.remove(this.#request);
    } catch (error) {
      this.#warnings.push(`what was remembered of the move is still there: ${messageOf(error)}`);
    }
  }

  #askedMs = 0;

  async #askAgain(): Promise<void> {
    const nowMs = this.#dependencies.nowMs();
    if (Math.abs(nowMs - this.#askedMs) < ASK_EVERY_MS) return;
    await this.#requireNoWriter();
  }

  async #requireNoWriter(): Promise<void> {
    const { dryRun, force, wouldHold } = this.#options;
    const { driver, holder, probe, server, nowMs } = this.#dependencies;
    this.#askedMs = nowMs();
    if (dryRun && wouldHold) return;
    if (server !== undefined) {
      const others = (await liveNodes(driver, holder)).filter(
        ({ readOnly, pid, host }) => !readOnly && !(pid === server.pid && host === holder.host),
      );
      const [first] = others;
      if (first === undefined) return;
      this.#refuse(
        new RegistryStateError(
          `another server takes writes to this store: process ${first.pid} on ${first.host}`,
          {
            hint: "move with --mode read-only, which asks all servers on the store",
          },
        ),
      );
      return;
    }
    const unproved = force && !dryRun ? undefined : writeProblem(await probe());
    const problem = unproved ?? (await writingNodesProblem(driver, holder, dryRun ? 0 : undefined));
    if (problem) this.#refuse(problem);
  }

  /** A dry run goes on with a warning. */
  #refuse(problem: RegistryStateError): void {
    if (!this.#options.dryRun) throw problem;
    const warning = `a real run would refuse: ${problem.message}`;
    if (!this.#warnings.includes(warning)) this.#warnings.push(warning);
  }

  #cancelled(cause: CancelledError): CancelledError {
    const { kind, old, new: target, isProject } = this.#request;
    const record = { kind, old, isProject, ...(target === undefined ? {} : { new: target }) };
    return new CancelledError("stopped in the middle: some repositories may have both names", {
      cause,
      hint: `run it again to do the rest: ${commandOf(record)}`,
    });
  }

  #report(plan: MovePlan): MoveReport {
    const { kind, old, new: target, isProject } = this.#request;
    const { dryRun } = this.#options;
    const { requests } = this.#requests;
    const { strays } = plan;
    if (strays.count > 0) {
      const first = strays.first.join(", ");
      this.#warnings.push(
        `${countOf(strays.count, "file")} that no registry writes stay unless a whole folder is moved: ${first}`,
      );
    }
    return {
      ...{ schemaVersion: 1, command: "move", kind, dryRun },
      startedAt: new Date(this.#startedMs).toISOString(),
      old,
      ...(target === undefined ? {} : { new: target }),
      project: isProject,
      resumed: this.#resumed !== undefined,
      repositories: plan.repositories,
      amounts: amountsOf(plan),
      ...(this.#ways === undefined ? {} : { ways: this.#ways }),
      ...{ uploads: plan.uploads, conflicts: dryRun ? plan.conflicts : [], warnings: this.#warnings },
      ...(requests ? { requests } : {}),
      seconds: Math.round(this.#dependencies.nowMs() - this.#startedMs) / 1000,
    };
  }
}

/** How often the registry is asked again, during the move, whether it takes writes. */
const ASK_EVERY_MS = 60_000;

const DATABASE_HINT = "rename the repository with the API of the registry that has the database";
