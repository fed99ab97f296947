import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { makeMigrationWorld } from "../support/migration-world.ts";

vi.setConfig({ testTimeout: 120_000 });

const GOLDEN = join(import.meta.dirname, "../../fixtures/golden");

/** The report without what is another one in each run. */
function scrubbed(stdout: string, folder: string): string {
  const told: unknown = JSON.parse(stdout.replaceAll(folder, "/world"), (name, value: unknown) => {
    if (/seconds$/i.test(name) || name === "smallPerSecond" || name === "bytesPerSecond") return 0;
    if (name === "id") return "0123456789abcdef";
    if (name === "at") return "2026-01-02T03:04:05.000Z";
    return typeof value === "string" ? value.replaceAll(/\d{8}T\d{6}Z/g, "20260102T030405Z") : value;
  });
  return `${JSON.stringify(told, null, 2)}\n`;
}

describe("what migrate --json prints", () => {
  it("has the form that scripts rely on", async () => {
    const world = await makeMigrationWorld(3);
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const plan = await world.run("migrate", ...target, "--dry-run", "--json");
    await expect(scrubbed(plan.stdout, world.folder)).toMatchFileSnapshot(
      join(GOLDEN, "migrate-dry-run.json"),
    );
    const moved = await world.run("migrate", ...target, "--cutover", "--yes", "--json");
    await expect(scrubbed(moved.stdout, world.folder)).toMatchFileSnapshot(
      join(GOLDEN, "migrate-cutover.json"),
    );
    const status = await world.run("migrate", "status", "--json");
    const told = scrubbed(status.stdout, world.folder).replaceAll(
      /"\d{4}-\d\d-\d\dT[\d:.]+Z"/g,
      '"2026-01-02T03:04:05.000Z"',
    );
    await expect(told).toMatchFileSnapshot(join(GOLDEN, "migrate-status.json"));
  });
});
