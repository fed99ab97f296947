import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { TagStore } from "../../src/registry/tag-store.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { pushDated } from "./dated-images.ts";
import { type Pushed, RegistryTree } from "./registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";
import { writeServeConfig } from "./serve-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A store with dated images and a file of policies. */
export interface CleanupStore {
  folder: string;
  rootDirectory: string;
  configPath: string;
  tree: RegistryTree;
  /** What each tag points to, by repository. */
  pushed: Map<string, Map<string, Pushed>>;
  /** The arguments of a cleanup command, config and policies included. */
  args(...words: string[]): string[];
  /** Runs `cleanup` with them. */
  run(...words: string[]): Promise<ProgramResult>;
  /** As {@link run}, and reads the document that it prints. */
  json(...words: string[]): Promise<Record<string, unknown>>;
  tagsOf(repository: string): Promise<string[]>;
  writePolicies(text: string): Promise<void>;
}

/** Days ago, by tag; `undefined` for an image without a date. */
export type DatedTags = Readonly<Record<string, number | undefined>>;

/** Makes such a store on disk, with images by repository, that goes when the test ends. */
export async function makeCleanupStore(
  repositories: Readonly<Record<string, DatedTags>>,
  policies: string,
): Promise<CleanupStore> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  const driver = new FilesystemDriver({ rootDirectory });
  const tree = new RegistryTree(driver);
  const pushed = new Map<string, Map<string, Pushed>>();
  for (const [name, tags] of Object.entries(repositories)) {
    const byTag = new Map<string, Pushed>();
    for (const [tag, days] of Object.entries(tags))
      byTag.set(tag, await pushDated(tree.repository(name), tag, days));
    pushed.set(name, byTag);
  }
  const configPath = await writeServeConfig({ rootDirectory, port: 5000 });
  const file = join(folder, "policies.yml");
  await writeFile(file, policies);
  const args = (verb: string, ...words: string[]): string[] => [
    ...["cleanup", verb, "--policies", file, "--state-dir", join(folder, "state"), "-c", configPath],
    ...words,
  ];
  return {
    ...{
      folder,
      rootDirectory,
      configPath,
      tree,
      pushed,
      args: (...words) => args(words[0] ?? "", ...words.slice(1)),
    },
    run: (...words) => runRegistryCtl(args(words[0] ?? "", ...words.slice(1))),
    async json(...words) {
      const { stdout, stderr } = await runRegistryCtl(args(words[0] ?? "", ...words.slice(1), "--json"));
      expect(stdout, stderr).not.toBe("");
      return JSON.parse(stdout);
    },
    tagsOf: async (repository) => (await new TagStore(driver, repository).list()).tags,
    writePolicies: (text) => writeFile(file, text),
  };
}

/** Looks that every tag that is still there has all that a client pulls. */
export async function expectTagsWhole({ tree, pushed, tagsOf }: CleanupStore): Promise<void> {
  for (const [repository, tags] of pushed) {
    for (const tag of await tagsOf(repository)) {
      const digest = tags.get(tag)?.digest;
      expect(digest, `${repository}:${tag}`).toBeDefined();
      if (digest) expect(await tree.repository(repository).missingFor(digest)).toEqual([]);
    }
  }
}
