import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Digest } from "../../src/oci/digest.ts";
import { parkedName } from "../../src/registry/parked.ts";
import type { FailedDeletion } from "../../src/state/deletions.ts";
import type { SeededRandom } from "./seeded-random.ts";
import type { TagCommand } from "./tag-command.ts";
import {
  collectionProgress,
  moveProgress,
  removalProgress,
  settingProgress,
} from "./tag-commands-progress.ts";
import {
  GROUPS,
  type Lane,
  type Move,
  RETRIED_GROUP,
  storedName,
  type TagCommandsWorld,
} from "./tag-commands-world.ts";
import type { ModelledRepository } from "./tag-model.ts";

/** Where {@link TagCommands} writes files that commands read, and what remembers deletions as failed. */
interface TagCommandsOptions {
  folder: string;
  onFailed: (failed: FailedDeletion[]) => Promise<void>;
}

/** What clients can name, which is not parked. */
const NAME = /^[a-z]/;
const NOTHING_LEFT = /there is no repository|nothing is parked|is not parked/;

/** Draws commands for a world, those of one round at a time: they run together. */
export class TagCommands {
  readonly #world: TagCommandsWorld;
  readonly #random: SeededRandom;
  readonly #options: TagCommandsOptions;
  readonly #everSet = new Map<ModelledRepository, Map<string, Set<Digest>>>();
  /** Of this round. */
  #moved = new Set<Lane>();
  #set = new Set<Lane>();
  #hasRestored = false;
  #files = 0;

  constructor(world: TagCommandsWorld, random: SeededRandom, options: TagCommandsOptions) {
    this.#world = world;
    this.#random = random;
    this.#options = options;
    for (const model of world.model.repositories) {
      const ever = [...model.moving].map(([tag, digests]) => [tag, new Set(digests)] as const);
      this.#everSet.set(model, new Map(ever));
    }
  }

  /** @returns commands that may run together */
  async drawRound(kinds: readonly TagCommand["kind"][]): Promise<TagCommand[]> {
    [this.#moved, this.#set, this.#hasRestored] = [new Set(), new Set(), false];
    const commands: TagCommand[] = [];
    for (const kind of kinds) {
      // Of two runs of the policies on one store the second is refused.
      if (kind === "cleanup" && commands.some((command) => command.kind === "cleanup")) continue;
      const command = await this.#draw(kind);
      if (command !== undefined) commands.push(command);
    }
    return commands;
  }

  /** @returns what brings all moves to their end, one after the other */
  drawEnd(): TagCommand[] {
    this.#moved = new Set();
    const begun = this.#world.lanes.filter(
      ({ unfinished, isParked }) => unfinished !== undefined || isParked,
    );
    return begun.map((lane) => this.#move(lane));
  }

  async #draw(kind: TagCommand["kind"]): Promise<TagCommand | undefined> {
    const lane = this.#random.pick(this.#world.lanes);
    switch (kind) {
      case "delete":
        return this.#delete(lane);
      case "cleanup":
        return this.#cleanup();
      case "retry":
        return this.#retry(lane);
      case "set":
        return this.#setTag(lane);
      case "restore":
        return this.#restore(lane);
      case "move":
        if (this.#moved.has(lane) || this.#set.has(lane)) return undefined;
        return this.#move(lane);
      case "collect":
        return this.#collect();
    }
  }

  #delete(lane: Lane): TagCommand {
    const { model, name } = this.#repositoryOf(lane);
    const group = this.#random.below(GROUPS);
    const prefix = this.#random.chance(0.3) ? `goes-${group}-` : `goes-${group}-${this.#random.below(6)}`;
    const tags = [...model.staying.keys(), ...model.going.keys()].filter((tag) => tag.startsWith(prefix));
    const how = this.#random.chance(0.5)
      ? ["--from-file", this.#file(tags.join("\n"))]
      : ["--match", `${prefix}.*`];
    return {
      kind: "delete",
      words: ["tags", "delete", "--yes", "--quiet", ...how, name],
      ...this.#removal(lane, [{ model, name, tags }]),
    };
  }

  #cleanup(): TagCommand {
    const prefix = `goes-${this.#random.below(GROUPS)}-${this.#random.below(6)}`;
    const policies = `policies: { '*': { name_regex_delete: '${prefix}.*', name_regex_keep: 'stays.*' } }\n`;
    const removed = this.#world.lanes.flatMap((lane) =>
      lane.repositories.map(({ model }) => ({
        model,
        name: model.at.find((name) => NAME.test(name)) ?? "",
        tags: [...model.staying.keys(), ...model.going.keys()].filter((tag) => tag.startsWith(prefix)),
      })),
    );
    return {
      kind: "cleanup",
      words: ["cleanup", "run", "--quiet", "--policies", this.#file(policies)],
      ...this.#removal(undefined, removed),
    };
  }

  /** One that points elsewhere by now is among them: it is not to be deleted. */
  async #retry(lane: Lane): Promise<TagCommand> {
    const prefix = `goes-${RETRIED_GROUP}-`;
    const { model, name, images } = this.#repositoryOf(lane);
    const tags = [...model.staying.keys(), ...model.going.keys()].filter((tag) => tag.startsWith(prefix));
    const failed = tags.map((tag) => ({ tag, digest: model.staying.get(tag) ?? model.going.get(tag) }));
    failed.push({ tag: "stays-0", digest: images.at(-1) });
    await this.#options.onFailed(
      failed.map(({ tag, digest }) => ({
        ...{ repository: name, name: tag, attempts: 11, reason: "the disk was busy" },
        ...(digest === undefined ? {} : { digest }),
      })),
    );
    return {
      kind: "retry",
      words: ["deletions", "retry", "--now", "--yes", "--quiet", name],
      ...this.#removal(lane, [{ model, name, tags }]),
    };
  }

  /** What is named must be gone when it has ended well, where nobody else works on the same. */
  #removal(
    lane: Lane | undefined,
    removed: readonly { model: ModelledRepository; name: string; tags: string[] }[],
  ): Pick<TagCommand, "progress" | "settle"> {
    for (const { model, tags } of removed) this.#world.model.nameForDeletion(model, tags);
    const lanes = lane === undefined ? this.#world.lanes : [lane];
    const areCalm = lanes.every(({ unfinished, isParked }) => unfinished === undefined && !isParked);
    return {
      progress: removalProgress(this.#world.rootDirectory, removed, this.#random),
      settle: ({ exitCode }) => {
        if (exitCode === undefined) return;
        expect(exitCode).toBe(0);
        if (!areCalm || this.#hasRestored || lanes.some((each) => this.#moved.has(each))) return;
        for (const { name, tags } of removed) {
          const found = this.#world.model.tagsOf(name);
          expect(tags.filter((tag) => found.has(tag))).toEqual([]);
        }
      },
    };
  }

  /** Also to manifests that may be collected by now, which is refused. */
  #setTag(lane: Lane): TagCommand | undefined {
    const isBusy = lane.unfinished !== undefined || lane.isParked;
    if (isBusy || this.#moved.has(lane) || this.#set.has(lane)) return undefined;
    this.#set.add(lane);
    const { model, name, images } = this.#repositoryOf(lane);
    const tag = this.#random.pick([...model.moving.keys()]);
    const ever = this.#everSet.get(model)?.get(tag) ?? new Set();
    const before = model.moving.get(tag) ?? new Set();
    const isRestored = this.#random.chance(0.3);
    const digest = this.#random.pick(isRestored ? [...ever] : images);
    const isTold = !isRestored || this.#random.chance(0.5);
    const words = isRestored
      ? ["tags", "restore", `${name}:${tag}`, ...(isTold ? ["--to", digest] : [])]
      : ["tags", "set", `${name}:${tag}`, digest];
    return {
      kind: "set",
      words: [...words, "--yes", "--quiet"],
      progress: settingProgress(this.#world.rootDirectory, name, tag, digest),
      settle: ({ exitCode }) => {
        const wanted = isTold ? [digest] : ever;
        if (exitCode === undefined) model.moving.set(tag, new Set([...before, ...wanted]));
        else expect([0, 12]).toContain(exitCode);
        if (exitCode === 0) model.moving.set(tag, new Set(wanted));
        if (exitCode !== 12) for (const each of wanted) ever.add(each);
      },
    };
  }

  /** A tag that was deleted. */
  #restore(lane: Lane): TagCommand | undefined {
    const { model, name } = this.#repositoryOf(lane);
    if (model.going.size === 0) return undefined;
    this.#hasRestored = true;
    const [tag, digest] = this.#random.pick([...model.going]);
    const to = this.#random.chance(0.5) ? ["--to", digest] : [];
    return {
      kind: "restore",
      words: ["tags", "restore", `${name}:${tag}`, ...to, "--yes", "--quiet"],
      progress: settingProgress(this.#world.rootDirectory, name, tag, digest),
      settle: ({ exitCode }) => {
        if (exitCode !== undefined) expect([0, 12]).toContain(exitCode);
      },
    };
  }

  #move(lane: Lane): TagCommand {
    this.#moved.add(lane);
    const isAgain = lane.unfinished !== undefined;
    const move = lane.unfinished ?? this.#newMove(lane);
    return {
      kind: "move",
      words: move.words,
      progress: moveProgress(this.#world, move, this.#random),
      settle: ({ exitCode, stderr }) => {
        // The one before may have been at its end when it was killed.
        const wasDone = isAgain && NOTHING_LEFT.test(stderr);
        if (exitCode !== undefined && !wasDone) expect([0, 12]).toContain(exitCode);
        if (exitCode !== 0 && !wasDone) return;
        lane.unfinished = undefined;
        move.settle();
      },
    };
  }

  #newMove(lane: Lane): Move {
    const { names, name, isProject, isParking, isParked, others, repositories } = lane;
    const other = names[0] === name ? names[1] : names[0];
    const project = isProject ? ["--project"] : [];
    const merged = others[0];
    if (merged !== undefined && this.#random.chance(0.5)) {
      const words = ["move", "--merge", merged.name, name, "--yes", "--quiet"];
      const settle = (): void => {
        others.shift();
        repositories.push({ below: "", model: merged.model, images: [] });
        merged.model.at = [name];
      };
      const move = { words, from: merged.name, to: name, settle };
      return this.#world.begin(lane, move, [{ below: "", model: merged.model }]);
    }
    const isBack = isParked && this.#random.chance(0.3);
    const words = !isParking
      ? ["move", ...project, name, other]
      : !isParked
        ? ["move", ...project, "--hold", name]
        : ["move", "--finish", ...(isBack ? ["--back", name] : [name, other])];
    const to = !isParking ? other : !isParked ? parkedName(name) : isBack ? name : other;
    const settle = (): void => {
      if (isParking) lane.isParked = !isParked;
      if (!isParking || (isParked && !isBack)) lane.name = other;
      for (const { below, model } of repositories) model.at = [`${to}${below}`];
    };
    const move = { words: [...words, "--yes", "--quiet"], from: storedName(lane), to, settle };
    return this.#world.begin(lane, move, repositories);
  }

  #collect(): TagCommand {
    return {
      kind: "collect",
      words: ["garbage-collect", "-m", "--grace", "0s", "--max-delete", "100%", "--yes", "--quiet"],
      progress: collectionProgress(this.#world, this.#random),
      settle: ({ exitCode }) => {
        if (exitCode !== undefined) expect([0, 12]).toContain(exitCode);
      },
    };
  }

  /** Under one of its names, where it has two; its last one while it has none. */
  #repositoryOf(lane: Lane): { model: ModelledRepository; name: string; images: Digest[] } {
    const { below, model, images } = this.#random.pick(
      lane.repositories.filter((each) => each.images.length > 0),
    );
    const names = model.at.filter((name) => NAME.test(name));
    return { model, images, name: names.length === 0 ? `${lane.name}${below}` : this.#random.pick(names) };
  }

  #file(content: string): string {
    const path = join(this.#options.folder, `file-${this.#files++}`);
    writeFileSync(path, content);
    return path;
  }
}
