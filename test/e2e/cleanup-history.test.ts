import { join } from "node:path";
import { expect, it } from "vitest";
import { makeCleanupStore } from "../support/cleanup-store.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";

it("cleanup run leaves no entry in the history if nothing was due, or nothing to be deleted", async () => {
  const store = await makeCleanupStore({ a: { x: 90, y: 1 } }, "policies: { a: { name_regex_delete: x } }");
  const runs = async (): Promise<number> => {
    const words = ["history", "--json", "--state-dir", join(store.folder, "state"), store.configPath];
    const { stdout } = await runRegistryCtl(words);
    const { entries } = JSON.parse(stdout) as { entries: { source: string }[] };
    return entries.filter(({ source }) => source === "command").length;
  };
  expect(await store.json("run")).toMatchObject({ deleted: 1 });
  expect(await runs()).toBe(1);
  expect(await store.json("run")).toMatchObject({ deleted: 0, projects: [{ state: "done" }] });
  expect(await store.json("run", "--due")).toMatchObject({ deleted: 0, projects: [{ state: "not due" }] });
  expect(await runs()).toBe(1);
});
