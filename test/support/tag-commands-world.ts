import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../src/oci/digest.ts";
import { parkedName } from "../../src/registry/parked.ts";
import { repositoryPath, uploadDataPath, uploadStartedAtPath } from "../../src/registry/paths.ts";
import { type ModelledRepository, TagModel } from "./tag-model.ts";
import { TagTree } from "./tag-tree.ts";

/** Tags that are named for deletion come in groups, `goes-2-17` is one of the third. */
export const GROUPS = 5;
/** Deletions of these are remembered as failed. */
export const RETRIED_GROUP = 0;
const TAGS_OF_GROUP = 60;
const STAYING = 12;
const MOVING = 4;

/** Repositories that are moved together, from one of two names to the other. */
export interface Lane {
  readonly names: readonly [string, string];
  readonly isProject: boolean;
  /** They are parked in between. */
  readonly isParking: boolean;
  /** Those that are at and below {@link name}. */
  readonly repositories: { below: string; model: ModelledRepository; images: Digest[] }[];
  /** Repositories that are yet to be merged into the one of the lane. */
  readonly others: { name: string; model: ModelledRepository }[];
  /** The one they have, or had before they were parked. */
  name: string;
  isParked: boolean;
  /** A move that was begun and is to be finished by the same words. */
  unfinished: Move | undefined;
}

/** A move that goes on, or was stopped. */
export interface Move {
  words: string[];
  /** Names in the store. */
  from: string;
  to: string;
  /** What is true when it has come to its end. */
  settle: () => void;
}

/** A store with repositories that are moved, some link by link, and others with their folder. */
export class TagCommandsWorld {
  readonly rootDirectory: string;
  readonly model: TagModel;
  readonly lanes: Lane[];

  constructor(rootDirectory: string) {
    this.rootDirectory = rootDirectory;
    this.model = new TagModel(rootDirectory);
    const project = { isProject: true, isParking: false };
    this.lanes = [
      this.#lane("solo", [""], { isProject: false, isParking: false, others: 3 }),
      this.#lane("team", ["", "/one", "/one/two"], { ...project, others: 0 }),
      this.#lane("held", ["", "/below"], { ...project, isParking: true, others: 0 }),
    ];
    // Uploads stay, so that folders with them cannot be moved as a whole.
    for (const name of ["solo/a", "solo/b", "team/a/one", "team/b/one", "held/a", "held/b"])
      this.#upload(name);
  }

  /** Says that a move begins: until it is settled, its repositories may have both names. */
  begin(lane: Lane, move: Move, moved: readonly { below: string; model: ModelledRepository }[]): Move {
    lane.unfinished = move;
    for (const { below, model } of moved) model.at = [`${move.from}${below}`, `${move.to}${below}`];
    return move;
  }

  /** Pushes again what was deleted, unless a move is not finished. */
  refill(): void {
    for (const lane of this.lanes) {
      if (lane.unfinished !== undefined || lane.isParked) continue;
      for (const { model, images } of lane.repositories) {
        // What was merged has only tags that stay.
        if (images.length === 0) continue;
        const [name = ""] = model.at;
        for (let group = 0; group < GROUPS; group++) this.#push(name, model, group);
      }
    }
  }

  /** Whether there are links under a name, or below it. */
  linksBelow(name: string): number {
    const folder = join(this.rootDirectory, repositoryPath(name));
    if (!existsSync(folder)) return 0;
    try {
      return readdirSync(folder, { recursive: true }).filter((path) => String(path).endsWith("/link")).length;
    } catch {
      // Somebody removes folders meanwhile.
      return 0;
    }
  }

  #lane(
    top: string,
    below: readonly string[],
    { others, ...rest }: { isProject: boolean; isParking: boolean; others: number },
  ): Lane {
    const name = `${top}/a`;
    return {
      ...{ ...rest, names: [name, `${top}/b`], name, isParked: false, unfinished: undefined },
      repositories: below.map((each) => this.#repository(name, each)),
      others: Array.from({ length: others }, (_, number) => this.#other(`${top}/other-${number}`)),
    };
  }

  #repository(top: string, below: string): Lane["repositories"][number] {
    const name = `${top}${below}`;
    const tree = new TagTree(this.rootDirectory, name);
    const model = this.#model(name);
    for (let group = 0; group < GROUPS; group++) this.#push(name, model, group);
    const images = this.#stay(name, model, "stays");
    const going = [...model.staying].filter(([tag]) => tag.startsWith("goes-")).map(([, digest]) => digest);
    for (let number = 0; number < MOVING; number++) {
      const digest = images[number] ?? fail();
      tree.tag(`set-${number}`, digest);
      model.moving.set(`set-${number}`, new Set([digest]));
    }
    return { below, model, images: [...images, ...going] };
  }

  #other(name: string): Lane["others"][number] {
    const model = this.#model(name);
    this.#stay(name, model, name.replace("/", "-"));
    return { name, model };
  }

  #stay(name: string, model: ModelledRepository, prefix: string): Digest[] {
    const tree = new TagTree(this.rootDirectory, name);
    return Array.from({ length: STAYING }, (_, number) => {
      const digest = tree.image(`${name} ${number}`);
      tree.tag(`${prefix}-${number}`, digest);
      model.staying.set(`${prefix}-${number}`, digest);
      return digest;
    });
  }

  /** Three tags have one image. */
  #push(name: string, model: ModelledRepository, group: number): void {
    const tree = new TagTree(this.rootDirectory, name);
    for (let number = 0; number < TAGS_OF_GROUP; number += 3) {
      const tags = [number, number + 1, number + 2].map((each) => `goes-${group}-${each}`);
      const missing = tags.filter((tag) => !model.staying.has(tag));
      if (missing.length === 0) continue;
      const digest = tree.image(`${tags[0]} of ${model.at[0]?.split("/")[0]}`);
      for (const tag of missing) {
        tree.tag(tag, digest);
        // Whoever was to try them again may have died, and the next deletion in the repository does it.
        if (group === RETRIED_GROUP && model.going.has(tag)) continue;
        model.going.delete(tag);
        model.staying.set(tag, digest);
      }
    }
  }

  #model(name: string): ModelledRepository {
    const model = { at: [name], staying: new Map(), going: new Map(), moving: new Map() };
    this.model.repositories.push(model);
    return model;
  }

  #upload(name: string): void {
    const tree = new TagTree(this.rootDirectory, name);
    const id = "0b0b0b0b-0000-4000-8000-000000000000";
    tree.write(uploadStartedAtPath(name, id), new Date().toISOString());
    tree.write(uploadDataPath(name, id), "a part");
  }
}

/** @returns where the repositories of a lane are in the store */
export function storedName({ name, isParked }: Lane): string {
  return isParked ? parkedName(name) : name;
}

function fail(): never {
  throw new Error("there is no such image");
}
