import { CancelledError, PathNotFoundError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { DigestSet } from "../graph/digest-set.ts";
import type { DigestId } from "../graph/digest-table.ts";
import { BLOBS_ROOT, blobDataPath, layerLinkPath, REPOSITORIES_ROOT, revisionLinkPath } from "../paths.ts";
import type { CollectionPlan } from "../plan/collection-plan.ts";
import type { RepositoryPlan } from "../plan/repository-plan.ts";
import type { RepositoryEntries } from "../scan/repository-entries.ts";
import { scanBlobs } from "../scan/scan-blobs.ts";
import { type RepositoryScanOptions, scanRepositories } from "../scan/scan-repositories.ts";
import type { RetainedLinks } from "./retained-links.ts";
import type { SweepResult } from "./sweep-result.ts";

const OBJECT_TIME_GRAIN_MS = 1000;
/** Why something is no success although the store took the request. */
const STILL_THERE =
  "the store said that it was deleted, and lists it still: a retention rule or an object lock may keep it";

/** What a {@link Recheck} works on. */
export interface RecheckOptions {
  driver: StorageDriver;
  plan: CollectionPlan;
  retained: RetainedLinks;
  /** Corrected: what has not gone counts as failed. */
  result: SweepResult;
  /**
   * Clients push meanwhile: what has gone may be there again. What was written after this moment, by the store's clock,
   * is theirs. Undefined: nobody pushes.
   */
  plannedFromMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Looks at listings instead of at each file, where that takes a request: before blobs go, whether any link leads to
 * them, and in the end whether what was deleted has gone.
 */
export class Recheck {
  readonly #options: RecheckOptions;
  readonly #failures: ScanFailure[] = [];

  constructor(options: RecheckOptions) {
    this.#options = options;
  }

  /**
   * Lists all links once more. A blob to which one leads stays, be it that the link was written since the plan was made, or
   * that the store has kept what it said to have deleted. Which of them it was cannot be told where clients push.
   *
   * @returns false if not all could be listed, so that no blob may go
   * @throws {CancelledError} when the signal is aborted
   */
  async keepLinked(): Promise<boolean> {
    const { driver, plan } = this.#options;
    const plans = new Map(plan.repositories.map((each) => [each.repository, each]));
    const condemned = new DigestSet();
    for (let index = 0; index < plan.blobs.length; index++) condemned.add(plan.blobs.id(index));
    await this.#scan(REPOSITORIES_ROOT, async (options) => {
      for await (const entries of scanRepositories(driver, options)) {
        this.#keepLinksOf(entries, plans.get(entries.name), condemned);
      }
    });
    return this.#failures.length === 0;
  }

  /**
   * Lists all blobs once more, so that only what has really gone is told to be freed.
   *
   * @param failed - what is known not to have gone
   * @returns why that cannot be told, if it cannot
   * @throws {CancelledError} when the signal is aborted
   */
  async countBlobs(failed: ReadonlySet<DigestId>): Promise<string | undefined> {
    const { driver, plan, result, retained } = this.#options;
    const { plannedFromMs = Number.POSITIVE_INFINITY } = this.#options;
    // Object stores give the time of a file in whole seconds, rounded down.
    const latestMs = plannedFromMs - OBJECT_TIME_GRAIN_MS;
    const gone = new DigestSet();
    for (let index = 0; index < plan.blobs.length; index++) {
      const id = plan.blobs.id(index);
      if (!failed.has(id) && !retained.hasBlob(id)) gone.add(id);
    }
    await this.#scan(BLOBS_ROOT, async (options) => {
      for await (const batch of scanBlobs(driver, options)) {
        for (const { id, sizeBytes = 0, modifiedMs = Number.POSITIVE_INFINITY } of batch) {
          if (!gone.has(id) || modifiedMs > latestMs) continue;
          result.fail(blobDataPath(plan.table.digestOf(id)), STILL_THERE);
          result.deleted.blobs--;
          result.deleted.bytes -= sizeBytes;
        }
      }
    });
    const [failure] = this.#failures;
    return failure && `${failure.path}: ${messageOf(failure.error)}`;
  }

  #keepLinksOf(entries: RepositoryEntries, plan: RepositoryPlan | undefined, condemned: DigestSet): void {
    const { result, retained, plan: whole, plannedFromMs } = this.#options;
    const isCertain = plannedFromMs === undefined;
    const { table } = whole;
    const { name } = entries;
    const deadManifests = new Set(plan?.manifests.map(({ id }) => id));
    const deadLayers = new Set(plan?.layerLinks);
    const retain = (id: DigestId, isDead: boolean, path: () => string, kind: "manifests" | "layerLinks") => {
      if (isDead && isCertain && !retained.has(name, id)) {
        result.fail(path(), STILL_THERE);
        result.deleted[kind]--;
      }
      if (isDead || condemned.has(id)) retained.add(name, id);
    };
    for (const id of entries.revisions.ids()) {
      retain(id, deadManifests.has(id), () => revisionLinkPath(name, table.digestOf(id)), "manifests");
    }
    for (const id of entries.layers.ids()) {
      retain(id, deadLayers.has(id), () => layerLinkPath(name, table.digestOf(id)), "layerLinks");
    }
  }

  async #scan(root: string, scan: (options: RepositoryScanOptions) => Promise<void>): Promise<void> {
    const { plan, result, signal } = this.#options;
    this.#failures.length = 0;
    const onFailure = (failure: ScanFailure): void => {
      // The server may end an upload at any time, and no upload matters here.
      if (failure.error instanceof PathNotFoundError && failure.path.includes("/_uploads")) return;
      this.#failures.push(failure);
    };
    try {
      await scan({ table: plan.table, signal, onFailure, onStray: () => undefined });
    } catch (error) {
      if (error instanceof CancelledError) throw error;
      onFailure({ path: root, error });
    }
    for (const { path, error } of this.#failures) result.fail(path, messageOf(error));
  }
}
