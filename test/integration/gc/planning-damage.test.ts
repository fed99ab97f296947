import { mkdir, readdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../src/errors.ts";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionFolderPath,
  tagHistoryLinkPath,
} from "../../../src/registry/paths.ts";
import type { CollectionPlan } from "../../../src/registry/plan/collection-plan.ts";
import type { CollectionRules } from "../../../src/registry/plan/collection-rules.ts";
import { planCollection } from "../../../src/registry/plan/plan-collection.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../src/storage/filesystem/filesystem-driver.ts";
import { wrapDriver } from "../../../src/storage/wrappers/wrap-driver.ts";
import { buildRandomTree, pushSteps } from "../../support/random-tree.ts";
import { RegistryTree } from "../../support/registry-tree.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** For each kind of damage. */
const RUNS = 10;

/** Puts something else in the place of a file or folder, as an operator, a disk or a hostile user might. */
const DAMAGES: Record<string, (path: string, aside: string) => Promise<unknown>> = {
  "nothing at all": (path) => rm(path, { recursive: true }),
  "a link that leads nowhere": async (path) => {
    await rm(path, { recursive: true });
    await symlink("/nowhere/at/all", path);
  },
  "a link to what was there": async (path, aside) => {
    await rename(path, aside);
    await symlink(aside, path);
  },
  "a link to the folder around it": async (path) => {
    await rm(path, { recursive: true });
    await symlink(dirname(path), path);
  },
  "an empty file": async (path) => {
    await rm(path, { recursive: true });
    await writeFile(path, "");
  },
  "an empty folder": async (path) => {
    await rm(path, { recursive: true });
    await mkdir(path);
  },
  "a folder with a file": async (path) => {
    await rm(path, { recursive: true });
    await mkdir(path);
    await writeFile(join(path, "link"), "x");
  },
  "a cut file": async (path) => truncate(path, 9).catch(() => undefined),
  "another name": (path) => rename(path, `${path}_`),
  "a name that begins with an underscore": (path, aside) =>
    rename(path, aside).then(() => rename(aside, join(dirname(path), "_x"))),
};

async function planned(
  driver: StorageDriver,
  deleteUntagged: boolean,
  agesMatter: boolean,
  signal?: AbortSignal,
  since?: Pick<CollectionRules, "keepWrittenAfterMs" | "keepUntaggedAfterMs">,
): Promise<string[]> {
  const rules = {
    deleteUntagged,
    agesMatter,
    keepWrittenAfterMs: Date.now() + 1000,
    keepUntaggedAfterMs: Number.POSITIVE_INFINITY,
    ...since,
  };
  return stepsOf(await planCollection(driver, { rules, concurrency: 4, signal }));
}

/** The same store, which can only be scanned file by file. */
function scannedFlat(driver: StorageDriver): StorageDriver {
  return wrapDriver(driver, { without: ["listNamesSync"] });
}

/** Every file that a plan removes; what belongs to a repository with its name. */
function stepsOf({ table, repositories, blobs }: CollectionPlan): string[] {
  const steps: string[] = [];
  for (const { repository, history, manifests, layerLinks } of repositories) {
    for (const { tag, ids } of history) {
      steps.push(...ids.map((id) => `${repository} history ${tag} ${table.digestOf(id)}`));
    }
    steps.push(...manifests.map(({ id }) => `${repository} manifest ${table.digestOf(id)}`));
    steps.push(...layerLinks.map((id) => `${repository} layer ${table.digestOf(id)}`));
  }
  for (let index = 0; index < blobs.length; index++) steps.push(`blob ${table.digestOf(blobs.id(index))}`);
  return steps.sort();
}

async function everyPathBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => join(entry.parentPath, entry.name)).sort();
}

const pickOf = fc.nat();
/** Anything, or one of the few places that make a manifest a root. */
const places = fc.constantFrom(
  () => true,
  (path: string) => /\/_manifests\/.*\/link$/.test(path),
);

describe("a plan by the names of folders, with something else in a place", () => {
  it.each(Object.entries(DAMAGES))(
    "takes only what was garbage before, or what one file by file takes: %s",
    async (_, damage) => {
      await fc.assert(
        fc.asyncProperty(
          pushSteps,
          pickOf,
          places,
          fc.boolean(),
          async (steps, pick, isPlace, deleteUntagged) => {
            const root = await temporaryFolder();
            const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: join(root, "store") }));
            await buildRandomTree(tree, steps);
            const before = await planned(tree.driver, deleteUntagged, true);
            const paths = (await everyPathBelow(join(root, "store/docker/registry/v2"))).filter(isPlace);
            const place = paths[pick % paths.length] ?? "";
            await damage(place, join(root, "aside"));

            const byFiles = await planned(scannedFlat(tree.driver), deleteUntagged, true);
            for (const agesMatter of [true, false]) {
              const byNames = await planned(tree.driver, deleteUntagged, agesMatter);
              const extra = byNames.filter((step) => !byFiles.includes(step) && !before.includes(step));
              expect(extra, place.slice(root.length)).toEqual([]);
            }
          },
        ),
        { numRuns: RUNS, endOnFailure: true },
      );
    },
    90_000,
  );
});

describe("a plan by the names of folders", () => {
  async function openTree() {
    const root = await temporaryFolder();
    const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: root }));
    const app = tree.repository("app");
    const image = await app.image("one", ["layer"], { tag: "v1" });
    return { tree, app, image, repositories: join(root, REPOSITORIES_ROOT) };
  }

  it("keeps all that is below a folder whose name only hides it", async () => {
    const { tree, repositories } = await openTree();
    await tree.repository("old/app").image("two", ["hidden"], { tag: "v1" });
    await rename(join(repositories, "old"), join(repositories, "_old"));

    for (const agesMatter of [true, false]) expect(await planned(tree.driver, true, agesMatter)).toEqual([]);
  });

  it.each(["", "/link"])(
    "deletes no blob where a referrer leads to a disk that is not mounted (%s)",
    async (below) => {
      const { tree, app, image } = await openTree();
      const signature = await app.artifact("signature", image);
      await tree.blob("orphan");
      const folder = join(tree.driver.location, revisionFolderPath("app", signature.digest));
      await rm(join(folder, below), { recursive: true });
      await symlink("/nowhere/at/all", join(folder, below));

      for (const agesMatter of [true, false])
        expect(await planned(tree.driver, true, agesMatter)).toEqual([]);
    },
  );

  it.each(["link/link", "link/below/link", "other/link"])(
    "keeps everything of a repository with a link that is not understood in a revision's folder (%s)",
    async (below) => {
      const { tree, app, image } = await openTree();
      const untagged = await app.image("untagged", ["of it"]);
      const signature = await app.artifact("signature", image);
      for (const [digest, deleteUntagged] of [
        [untagged.digest, false],
        [signature.digest, true],
      ] as const) {
        const folder = join(tree.driver.location, revisionFolderPath("app", digest));
        await rm(join(folder, "link"));
        await mkdir(dirname(join(folder, below)), { recursive: true });
        await writeFile(join(folder, below), "x");

        for (const agesMatter of [true, false]) {
          expect(await planned(tree.driver, deleteUntagged, agesMatter), digest).toEqual([]);
          expect(await planned(scannedFlat(tree.driver), deleteUntagged, agesMatter), digest).toEqual([]);
        }
        await rm(folder, { recursive: true });
        await app.linkRevision(digest);
      }
    },
  );

  it("keeps what was untagged lately where a folder is in the place of the link that tells when", async () => {
    const { tree, app, image } = await openTree();
    await app.image("two", ["newer"], { tag: "v1" });
    for (const path of await tree.files()) {
      if (path.includes(image.digest.slice("sha256:".length)))
        await utimes(join(tree.driver.location, path), 1e9, 1e9);
    }
    const anHourAgoMs = Date.now() - 3_600_000;
    const since = { keepWrittenAfterMs: anHourAgoMs, keepUntaggedAfterMs: anHourAgoMs };
    const stepsOfPlan = () => planned(tree.driver, true, true, undefined, since);
    expect(await stepsOfPlan()).toEqual([]);
    const link = join(tree.driver.location, tagHistoryLinkPath("app", "v1", image.digest));

    await DAMAGES["a folder with a file"]?.(link, "");

    expect(await stepsOfPlan()).toEqual([]);
  });

  it("shows a repository in which nothing is left but a file of no meaning", async () => {
    const { tree } = await openTree();
    const { digest } = await tree.repository("left").layer("layer");
    const link = join(tree.driver.location, layerLinkPath("left", digest));
    await rename(link, `${link}_`);
    const [keepWrittenAfterMs, keepUntaggedAfterMs] = [Date.now() + 1000, Number.POSITIVE_INFINITY];
    const rules = { deleteUntagged: true, keepWrittenAfterMs, keepUntaggedAfterMs };

    const byNames = await planCollection(tree.driver, { rules, concurrency: 4 });
    const byFiles = await planCollection(scannedFlat(tree.driver), { rules, concurrency: 4 });

    expect(byNames.warnings).toEqual(byFiles.warnings);
    expect([byNames.emptyRepositories, byFiles.emptyRepositories]).toEqual([[], []]);
  });

  it("deletes nothing where a referrer's bytes are on a disk that is not mounted", async () => {
    const { tree, app, image } = await openTree();
    const signature = await app.artifact("signature", image);
    await tree.blob("orphan");
    const folder = join(tree.driver.location, dirname(dirname(blobDataPath(signature.digest))));
    await rm(folder, { recursive: true });
    await symlink("/nowhere/at/all", folder);

    for (const agesMatter of [true, false]) expect(await planned(tree.driver, true, agesMatter)).toEqual([]);
    expect(await planned(scannedFlat(tree.driver), true, true)).toEqual([]);
  });

  it.each(["EIO", "a file or folder that has just gone"])(
    "takes nothing that it would not take otherwise, whichever call meets %s",
    async (trouble) => {
      const { tree, app, image } = await openTree();
      await app.artifact("signature", image);
      await app.index([await app.image("child", ["c"])], { tag: "v2" });
      await app.image("untagged", ["layer", "d"]);
      await tree.repository("app/below").layer("of no manifest");
      await tree.blob("orphan");
      for (const deleteUntagged of [true, false]) {
        for (const agesMatter of [true, false]) {
          const sound = await planned(tree.driver, deleteUntagged, agesMatter);
          for (let failing = 1, calls = failing; calls >= failing; failing++) {
            calls = 0;
            let path = "";
            const driver = wrapDriver(tree.driver, {
              callSync: (call, run) => {
                // A manifest that is not there, and that no tag needs, needs nothing itself.
                const isManifest = call.method === "getSync" && call.path.startsWith(BLOBS_ROOT);
                if (++calls !== failing || (isManifest && trouble !== "EIO")) return run();
                path = `${call.method} ${call.path}`;
                if (trouble === "EIO") throw new Error("EIO");
                return undefined as never;
              },
            });
            const steps = await planned(driver, deleteUntagged, agesMatter);
            expect(
              steps.filter((step) => !sound.includes(step)),
              path,
            ).toEqual([]);
          }
        }
      }
    },
  );

  it("can be stopped while it looks at the links of one large repository", async () => {
    const { tree, app } = await openTree();
    for (let number = 0; number < 600; number++) await app.linkLayer(digestOf(Buffer.from(`${number}`)));
    const abort = new AbortController();
    let looks = 0;
    const driver = wrapDriver(tree.driver, {
      callSync: (call, run) => {
        if (call.method === "statFileSync" && ++looks === 10) setImmediate(() => abort.abort());
        return run();
      },
    });

    await expect(planned(driver, true, true, abort.signal)).rejects.toThrow(CancelledError);
    expect(looks).toBeLessThan(600);
  });
});
