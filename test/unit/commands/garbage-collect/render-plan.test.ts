import { expect, it } from "vitest";
import { renderReport } from "../../../../src/commands/garbage-collect/render.ts";
import { renderPlan } from "../../../../src/commands/garbage-collect/render-plan.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";
import { collect } from "../../../support/collect.ts";
import { RegistryTree } from "../../../support/registry-tree.ts";

it("lists by repository what goes, with size and reason", async () => {
  const tree = new RegistryTree(new MemoryDriver());
  const app = tree.repository("library/app");
  const old = await app.image("old", ["old layer"], { tag: "v1" });
  const layer = (await app.layer("old layer")).digest;
  await app.image("new", [], { tag: "v1" });
  const orphan = await tree.blob("orphan");
  await tree.repository("gone").linkRevision(orphan);
  await tree.driver.delete(`/docker/registry/v2/blobs/sha256/${orphan.slice(7, 9)}/${orphan.slice(7)}/data`);
  const alone = await tree.blob("alone");
  let text = "";

  const report = await collect(tree.driver, {
    deleteUntagged: true,
    dryRun: true,
    onPlan: async (plan) => {
      text = [...renderPlan(plan)].join("");
    },
  });

  const lines = text.split("\n").map((line) => line.replace(/ +/g, " ").trim());
  const today = new Date().toISOString().slice(0, 10);
  expect(lines).toContain(`manifest ${old.digest} ${old.size} B untagged, last tagged as v1 on ${today}`);
  expect(lines).toContain(`tag history ${old.digest} of tag v1: its manifest goes`);
  expect(lines).toContain(`layer link ${layer} no manifest of the repository needs it`);
  expect(lines).toContain(`blob ${layer} 9 B no manifest needs it`);
  expect(lines).toContain(`manifest ${orphan} untagged, and its bytes are missing`);
  expect(lines).toContain("no manifest and no tag is left: leaves the catalog");
  expect(lines.indexOf("in no repository: frees 5 B")).toBe(
    lines.indexOf(`blob ${alone} 5 B no repository has it`) - 1,
  );
  expect(renderReport(report)).toMatch(
    /^kept: 2 blobs, \d+ B\nwould delete: 4 blobs \(\d+ B\), 2 manifests, 2 layer links, 1 tag-history link\nnothing was changed \(dry run\)$/,
  );
});
