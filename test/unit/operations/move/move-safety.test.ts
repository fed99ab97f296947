import { describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { readLink } from "../../../../src/registry/link.ts";
import { repositoryPath, tagCurrentLinkPath, tagHistoryLinkPath } from "../../../../src/registry/paths.ts";
import type { StorageDriver } from "../../../../src/storage/driver.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { wrapDriver } from "../../../../src/storage/wrappers/wrap-driver.ts";
import { moveIn } from "../../../support/move-world.ts";
import { pullableTags } from "../../../support/pullable-tags.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function fill(driver: StorageDriver): Promise<RegistryTree> {
  const tree = new RegistryTree(driver);
  await tree.repository("a").image("one", ["base"], { tag: "v1" });
  await tree.repository("x").image("two", ["other"], { tag: "v2" });
  return tree;
}

const MERGE = { old: "a", new: "x", merge: true };

describe("a move", () => {
  it.each(["_layers", "_manifests/revisions", "_manifests/tags/v1/index", "_manifests/tags/v1/current"])(
    "removes nothing of the old name where a link of %s did not come to the new one",
    async (place) => {
      const inner = new MemoryDriver();
      const tree = await fill(inner);
      const files = await tree.files(repositoryPath("a"));
      const forgetful = wrapDriver(inner, {
        call: async ({ method, path }, run) => {
          const isLost = method === "setModified" && path.startsWith(`${repositoryPath("x")}/${place}`);
          if (!isLost) return run();
          await run();
          await inner.delete(path);
          return undefined as Awaited<ReturnType<typeof run>>;
        },
      });
      await expect(moveIn(forgetful, MERGE)).rejects.toThrow();
      expect(await tree.files(repositoryPath("a"))).toEqual(files);
    },
  );

  it("gives a tag its history again that somebody deletes under the new name meanwhile", async () => {
    const inner = new MemoryDriver();
    const tree = await fill(inner);
    const { digest } = await tree.repository("a").image("three", ["base"], { tag: "v3" });
    await inner.setModified(tagCurrentLinkPath("a", "v3"), 1_000_000);
    const history = tagHistoryLinkPath("x", "v3", digest);
    let deletions = 0;
    const driver = wrapDriver(inner, {
      call: async ({ method, path }, run) => {
        if (method === "put" && path === tagCurrentLinkPath("x", "v3")) {
          await inner.delete(history);
          deletions++;
        }
        return run();
      },
    });
    await moveIn(driver, MERGE);
    expect(deletions).toBe(1);
    expect(await readLink(inner, history)).toBe(digest);
    expect(await inner.stat(history)).toMatchObject({ modifiedMs: 1_000_000 });
    expect(await tree.files(repositoryPath("a"))).toEqual([]);
  });

  it("makes names durable before a tag needs them, and the removal of tags before that of what they need", async () => {
    const inner = new FilesystemDriver({ rootDirectory: await temporaryFolder() });
    await fill(inner);
    const steps: string[] = [];
    const driver = wrapDriver(inner, {
      without: ["deleteMany", "deleteFileSync"],
      call: async ({ method, path }, run) => {
        const result = await run();
        const kind = path.endsWith("/current/link") ? "tag" : "link";
        if (["put", "delete"].includes(method) && path.includes("/repositories/"))
          steps.push(`${method} ${kind}`);
        if (["settleNames", "settleRemovals"].includes(method)) steps.push(method);
        return result;
      },
    });
    await moveIn(driver, MERGE);
    expect(Object.keys((await pullableTags(inner, "x")).whole).sort()).toEqual(["v1", "v2"]);
    expect(steps.slice(0, 5)).toEqual([
      "settleNames",
      "put tag",
      "delete tag",
      "settleRemovals",
      "delete link",
    ]);
  });

  it("moves nothing when the server has let go of the names", async () => {
    const driver = new MemoryDriver();
    const tree = await fill(driver);
    const files = await tree.files();
    let isReleased = false;
    const server = {
      pid: 7,
      hold: async () => ({
        check: () => {
          throw new RegistryStateError("let go");
        },
        dropCaches: async () => undefined,
        release: async () => {
          isReleased = true;
        },
      }),
    };
    await expect(moveIn(driver, MERGE, { server })).rejects.toThrow("let go");
    expect(await tree.files()).toEqual(files);
    expect(isReleased).toBe(true);
  });
});
