import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Digest } from "../../src/oci/digest.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath, tagsPath } from "../../src/registry/paths.ts";

/** What must be true of the tags of one repository, under whatever name it has. */
export interface ModelledRepository {
  /** The name in the store; both of them while a move between them is not finished. */
  at: string[];
  /** Nobody has named them for deletion. */
  staying: Map<string, Digest>;
  /** Somebody has named them for deletion: they may be there, but not with another digest. */
  going: Map<string, Digest>;
  /** They are set now and then: they are there with one of these digests. */
  moving: Map<string, Set<Digest>>;
}

/** What the tags of a store may be, while commands are killed. */
export class TagModel {
  readonly rootDirectory: string;
  readonly repositories: ModelledRepository[] = [];

  constructor(rootDirectory: string) {
    this.rootDirectory = rootDirectory;
  }

  /** From now on these may be gone. */
  nameForDeletion(repository: ModelledRepository, tags: Iterable<string>): void {
    for (const tag of tags) {
      const digest = repository.staying.get(tag);
      if (digest === undefined) continue;
      repository.staying.delete(tag);
      repository.going.set(tag, digest);
    }
  }

  /** Expects that every repository is complete under one of its names, and that no tag is there that should not be. */
  expectHolds(): void {
    const known = new Map<string, Map<string, Set<string>>>();
    for (const repository of this.repositories) {
      const lacking = repository.at.map((name) => this.#lacking(name, repository));
      expect(
        lacking.some((problems) => problems.length === 0),
        `complete under ${repository.at.join(" or ")}: ${lacking.map((each) => each.slice(0, 3)).join(" | ")}`,
      ).toBe(true);
      for (const name of repository.at) {
        const tags = known.get(name) ?? new Map<string, Set<string>>();
        known.set(name, tags);
        for (const [tag, digest] of [...repository.staying, ...repository.going])
          tags.set(tag, new Set([digest]));
        for (const [tag, digests] of repository.moving) tags.set(tag, digests);
      }
    }
    for (const [name, tags] of known) {
      const wrong = [...this.tagsOf(name)].filter(([tag, digest]) => !tags.get(tag)?.has(digest));
      expect(wrong, `tags that ${name} should not have`).toEqual([]);
    }
  }

  /** What a client can pull now. */
  pullable(): Map<string, Map<string, string>> {
    const names = new Set(this.repositories.flatMap(({ at }) => at));
    return new Map([...names].map((name) => [name, this.tagsOf(name)]));
  }

  /** Tags with their digests; those without history links of their digest are told as broken. */
  tagsOf(name: string): Map<string, string> {
    const folder = join(this.rootDirectory, tagsPath(name));
    const tags = new Map<string, string>();
    for (const tag of existsSync(folder) ? readdirSync(folder) : []) {
      const link = join(this.rootDirectory, tagCurrentLinkPath(name, tag));
      if (!existsSync(link)) continue;
      const digest = readFileSync(link, "utf8");
      const hasHistory = existsSync(
        join(this.rootDirectory, tagHistoryLinkPath(name, tag, digest as Digest)),
      );
      tags.set(tag, hasHistory ? digest : `${digest} without history`);
    }
    return tags;
  }

  #lacking(name: string, { staying, moving }: ModelledRepository): string[] {
    const found = this.tagsOf(name);
    const lacking: string[] = [];
    for (const [tag, digest] of staying)
      if (found.get(tag) !== digest) lacking.push(`${name}:${tag} is ${found.get(tag)}, not ${digest}`);
    for (const [tag, digests] of moving)
      if (!([...digests] as string[]).includes(found.get(tag) ?? ""))
        lacking.push(`${name}:${tag} is ${found.get(tag)}`);
    return lacking;
  }
}
