import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { Deletions } from "../../src/state/deletions.ts";
import { type CleanupStore, makeCleanupStore } from "../support/cleanup-store.ts";

const POLICIES = "policies: { a: { name_regex_delete: old }, b: { name_regex_delete: .*, keep_n: 1 } }";

async function schedule({ folder, pushed }: CleanupStore, tags: Record<string, string>): Promise<Deletions> {
  const state = join(folder, "state");
  const name = (await readdir(state)).find((each) => /^[0-9a-f]{16}$/.test(each)) ?? "";
  const deletions = new Deletions({
    folder: join(state, name),
    onProblem: (problem) => expect.fail(problem),
  });
  const digestOf = (tag: string) => pushed.get("a")?.get(tag)?.digest ?? "";
  const record = { repository: "a", attempts: 11, reason: "the disk was busy" } as const;
  await deletions.recordFailed(
    Object.entries(tags).map(([tag, target]) => ({ ...record, name: tag, digest: digestOf(target) })),
  );
  await deletions.schedule(() => true);
  return deletions;
}

it("cleanup plan shows what the run does: also what is to be deleted once more, and what stays of it", async () => {
  const store = await makeCleanupStore(
    { a: { old: 90, x: 1, y: 2, z: 3, v1: 4 }, b: { u: 1, w: 2 } },
    POLICIES,
  );
  // The program makes the folder for its state.
  expect(await store.json("run", "--project", "b")).toMatchObject({ deleted: 1 });
  const deletions = await schedule(store, { x: "x", y: "z", z: "z", gone: "z" });
  const digest = store.pushed.get("a")?.get("z")?.digest;
  const file = join(store.folder, "running.txt");
  await writeFile(file, `host/a@${digest}\na:v1\na:v2\nb:u\nnone/app:v1\nnone/app@${digest}\n`);
  const words = ["--protect", file, "--project", "a"];
  const told: Record<string, unknown>[] = [];
  for (const command of [["plan"], ["run", "--dry-run"], ["run"]]) {
    told.push(await store.json(...command, ...words));
    if (command.length > 1 || command[0] === "plan") expect(await store.tagsOf("a")).toHaveLength(5);
  }
  const [plan, dry, run] = told;
  expect(plan?.["repositories"]).toEqual([
    expect.objectContaining({
      deleted: [expect.objectContaining({ tag: "old" }), expect.objectContaining({ tag: "x" })],
      notDeleted: [
        { tag: "gone", why: "gone" },
        { tag: "y", why: "moved", reason: expect.stringContaining("it points to") },
      ],
    }),
  ]);
  expect(dry?.["repositories"]).toEqual(plan?.["repositories"]);
  expect(run?.["repositories"]).toEqual(plan?.["repositories"]);
  expect(run?.["dryRun"]).toBe(false);
  expect(await store.tagsOf("a")).toEqual(["v1", "y", "z"]);
  expect(deletions.list().map(({ name, state }) => [name, state])).toEqual([["z", "delete_scheduled"]]);
  // Of b, only a part was looked at; none/app is not there at all.
  const missing = ["a:v2", "none/app:v1"].map((text) => `--protect: nothing in the registry is ${text}`);
  for (const report of told) expect(report["warnings"]).toEqual(expect.arrayContaining(missing));
  expect(JSON.stringify(run?.["warnings"])).not.toMatch(/a:v1|b:u|host/);
});
