import type { DigestId } from "../graph/digest-table.ts";
import { NumberList } from "../graph/number-list.ts";
import { blobDataPath, layerLinkPath, revisionLinkPath, tagHistoryLinkPath } from "../paths.ts";
import type { CollectionPlan } from "../plan/collection-plan.ts";
import type { RetainedLinks } from "./retained-links.ts";

/** One file that goes. */
export interface SweepStep {
  path: string;
  /** Empty for a blob. */
  repository: string;
  id: DigestId;
  sizeBytes: number;
}

/**
 * The steps of a plan, made one by one as they are asked for: there may be millions. What must stay by then is left out
 * and told of by `onRetained`.
 */
export class SweepSteps {
  readonly #plan: CollectionPlan;
  readonly #retained: RetainedLinks;
  readonly #onRetained: () => void;
  readonly #keepsWholeRepositories: boolean;

  /** @param keepsWholeRepositories - where one link of a repository stays, all of its layer links stay */
  constructor(
    plan: CollectionPlan,
    retained: RetainedLinks,
    onRetained: () => void,
    keepsWholeRepositories = true,
  ) {
    this.#plan = plan;
    this.#retained = retained;
    this.#onRetained = onRetained;
    this.#keepsWholeRepositories = keepsWholeRepositories;
  }

  *tagHistory(): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (const { repository, history } of repositories) {
      for (const { tag, ids } of history) {
        for (const id of ids) {
          yield {
            path: tagHistoryLinkPath(repository, tag, table.digestOf(id)),
            repository,
            id,
            sizeBytes: 0,
          };
        }
      }
    }
  }

  /** Level by level, since a manifest stays if one that refers to it does. */
  *manifestLevels(): Generator<Iterable<SweepStep>> {
    const levels: { owners: NumberList; ids: NumberList }[] = [];
    for (const [owner, { manifests }] of this.#plan.repositories.entries()) {
      for (const { id, level } of manifests) {
        levels[level] ??= { owners: NumberList.integers(), ids: NumberList.integers() };
        levels[level].owners.push(owner);
        levels[level].ids.push(id);
      }
    }
    for (const { owners, ids } of levels) yield this.#manifests(owners, ids);
  }

  *#manifests(owners: NumberList, ids: NumberList): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (let index = 0; index < ids.length; index++) {
      const id = ids.at(index);
      const repository = repositories[owners.at(index)]?.repository ?? "";
      if (this.#retained.has(repository, id)) {
        this.#onRetained();
        continue;
      }
      yield { path: revisionLinkPath(repository, table.digestOf(id)), repository, id, sizeBytes: 0 };
    }
  }

  *layerLinks(): Generator<SweepStep> {
    const { repositories, table } = this.#plan;
    for (const { repository, layerLinks } of repositories) {
      const isPrecise = !this.#keepsWholeRepositories;
      const keepsAll = !isPrecise && this.#retained.hasAny(repository);
      for (const id of layerLinks) {
        if (keepsAll || (isPrecise && this.#retained.has(repository, id))) {
          this.#retained.add(repository, id);
          this.#onRetained();
          continue;
        }
        yield { path: layerLinkPath(repository, table.digestOf(id)), repository, id, sizeBytes: 0 };
      }
    }
  }

  *blobs(): Generator<SweepStep> {
    const { blobs, table } = this.#plan;
    for (let index = 0; index < blobs.length; index++) {
      const id = blobs.id(index);
      if (this.#retained.hasBlob(id)) {
        this.#onRetained();
        continue;
      }
      yield {
        path: blobDataPath(table.digestOf(id)),
        repository: "",
        id,
        sizeBytes: blobs.sizeBytes(index),
      };
    }
  }
}
