import { groupBy } from "../../../lib/group-by.ts";
import { DigestSet } from "../../../registry/graph/digest-set.ts";
import type { DigestId } from "../../../registry/graph/digest-table.ts";
import { PagedArray } from "../../../registry/graph/paged-array.ts";
import { type GroupAmounts, measureGroups } from "../measure-groups.ts";
import type { UsageModel, UsageRepository } from "../usage-model.ts";
import type { ExplainedLayer, ExplainReport } from "./explain-report.ts";

/** So many tags of a layer are told by name. */
const TAGS_SHOWN = 5;

/** What is to be explained, and how. */
export interface ExplainOptions {
  /** A project, or a repository; the repositories below it belong to it. */
  project: string;
  /** So many layers are told of. */
  top: number;
  projectOf: (repository: string) => string;
}

/**
 * Tells of which layers a project consists, and with whom it shares them.
 *
 * @param model - loaded with what each tag needs
 * @param own - the repositories of the project, at least one
 */
export function explainUsage(
  model: UsageModel,
  own: readonly UsageRepository[],
  options: ExplainOptions,
): ExplainReport {
  return new Explainer(model, own, options).explain();
}

interface Layer extends ExplainedLayer {
  tags: { count: number; first: string[] };
  repositories: string[];
  sharedWith: { project: string; repositories: string[] }[];
}

class Explainer {
  readonly #model: UsageModel;
  readonly #own: readonly UsageRepository[];
  readonly #options: ExplainOptions;
  /** What the project keeps. */
  readonly #kept = new DigestSet();
  /** 1 for what somebody outside keeps. */
  readonly #isShared = PagedArray.bytes();
  /** Bytes that each project outside keeps of the same. */
  readonly #sharers = new Map<string, number>();

  constructor(model: UsageModel, own: readonly UsageRepository[], options: ExplainOptions) {
    this.#model = model;
    this.#own = own;
    this.#options = options;
  }

  explain(): ExplainReport {
    for (const { held } of this.#own) for (const id of held.all()) this.#kept.add(id);
    this.#addSharers();
    const { blobs, references, table } = this.#model;
    const layerIds = [...this.#kept.members()]
      .filter((id) => blobs.has(id) && references.state(id) !== "read")
      .sort((a, b) => blobs.sizeBytes(b) - blobs.sizeBytes(a) || a - b);
    const shown = new Map<DigestId, Layer>();
    for (const id of layerIds.slice(0, this.#options.top)) {
      shown.set(id, {
        digest: table.digestOf(id),
        bytes: blobs.sizeBytes(id),
        isExclusive: this.#isShared.get(id) === 0,
        tags: { count: 0, first: [] },
        repositories: [],
        sharedWith: [],
      });
    }
    this.#addHolders(shown);
    const { sizeBytes, exclusiveBytes, untaggedBytes, tags, manifests } = this.#amounts();
    return {
      schemaVersion: 1,
      command: "usage explain",
      project: this.#options.project,
      repositories: this.#own.map(({ name }) => name),
      tags,
      manifests,
      bytes: sizeBytes,
      exclusiveBytes,
      sharedBytes: sizeBytes - exclusiveBytes,
      untaggedBytes,
      sharedWith: [...this.#sharers]
        .map(([project, bytes]) => ({ project, bytes }))
        .sort((a, b) => b.bytes - a.bytes || (a.project < b.project ? -1 : 1)),
      layers: [...shown.values()],
      layerCount: layerIds.length,
      problems: this.#model.problems,
    };
  }

  #amounts(): GroupAmounts {
    const groups = [
      { name: this.#options.project, repositories: this.#own },
      { name: "others", repositories: this.#others() },
    ];
    const [amounts] = measureGroups(this.#model, groups).amounts;
    if (amounts === undefined) throw new RangeError("there are no amounts of a group that was given");
    return amounts;
  }

  /** Those outside, one project after the other. */
  #addSharers(): void {
    const seen = new DigestSet();
    for (const [project, repositories] of this.#outside()) {
      seen.clear();
      let bytes = 0;
      for (const { held } of repositories) {
        for (const id of held.all()) {
          if (!this.#kept.has(id) || !this.#model.blobs.has(id) || !seen.add(id)) continue;
          this.#isShared.set(id, 1);
          bytes += this.#model.blobs.sizeBytes(id);
        }
      }
      if (seen.size > 0) this.#sharers.set(project, bytes);
    }
  }

  #addHolders(shown: ReadonlyMap<DigestId, Layer>): void {
    for (const { name, held, tags } of this.#own) {
      for (const id of held.all()) shown.get(id)?.repositories.push(name);
      for (const [index, tag] of tags.names.entries()) {
        for (const id of tags.needs?.[index]?.all() ?? []) {
          const needed = shown.get(id)?.tags;
          if (needed && ++needed.count <= TAGS_SHOWN) needed.first.push(`${name}:${tag}`);
        }
      }
    }
    for (const [project, repositories] of this.#outside()) {
      for (const { name, held } of repositories) {
        for (const id of held.all()) {
          const layer = shown.get(id);
          const last = layer?.sharedWith.at(-1);
          if (last?.project === project) last.repositories.push(name);
          else layer?.sharedWith.push({ project, repositories: [name] });
        }
      }
    }
  }

  #outside(): Map<string, UsageRepository[]> {
    return groupBy(this.#others(), ({ name }) => this.#options.projectOf(name));
  }

  #others(): UsageRepository[] {
    const own = new Set(this.#own);
    return this.#model.repositories.filter((repository) => !own.has(repository));
  }
}
