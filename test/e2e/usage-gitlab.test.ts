import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { env, gitLab, TOKEN } from "../support/cleanup-world.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { storeOf } from "../support/store-of.ts";

describe("usage with GitLab's projects", () => {
  it("has GitLab's ids and paths, and the project's part of a name, whatever its depth", async () => {
    const { folder, configPath } = await storeOf([
      ...[
        "group/sub/deep/project/image",
        "group/sub/deep/project",
        "group/app/x",
        "own/listed/one",
        "no/body/x",
      ],
    ]);
    const fake = await gitLab(
      [
        { id: 17, path_with_namespace: "Group/Sub/deep/Project", creator_id: 4 },
        { id: 18, path_with_namespace: "group/app", creator_id: 5 },
        { id: 19, path_with_namespace: "group/unused", creator_id: 6 },
        { id: 20, path_with_namespace: "Own/Listed/One", creator_id: 7 },
        { id: 21, path_with_namespace: "group/\u202eevil\u0007/x" },
      ],
      { pageSize: 2 },
    );
    const list = join(folder, "list");
    await writeFile(list, "own/listed/one\nno/body,99\n");
    const args = ["usage", "--gitlab", fake.url, "--projects", list, configPath];
    const csv = await runRegistryCtl([...args, "--format", "gitlab-csv"], { env });
    expect(csv).toMatchObject({ exitCode: 0 });
    expect(csv.stdout.split("\n").toSorted()).toEqual([
      "17,4,68,Group/Sub/deep/Project",
      "18,5,20,group/app",
      "20,7,23,Own/Listed/One",
      "99,,18,no/body",
      "project_id,creator_id,registry_size_bytes,project path",
    ]);
    const json = await runRegistryCtl([...args, "--json"], { env });
    const rows: { name: string; isGuess?: boolean }[] = JSON.parse(json.stdout).rows;
    expect(rows.map(({ name }) => name).toSorted()).toEqual([
      ...["Group/Sub/deep/Project", "Own/Listed/One", "group/app", "no/body"],
    ]);
    expect(`${csv.stdout}${csv.stderr}${json.stderr}`).not.toContain(TOKEN);
  });
});
