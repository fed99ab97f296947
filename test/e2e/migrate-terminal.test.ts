import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, vi } from "vitest";
import { makeMigrationWorld } from "../support/migration-world.ts";
import { programPath } from "../support/programs.ts";
import { cleanEnvironment } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Runs the program on a terminal, and types each answer when its question is shown. */
async function onTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: string, answer: string])[],
) {
  const words = [process.execPath, REGISTRY_CTL_PATH, ...args];
  const line = words.map((word) => `'${word}'`).join(" ");
  const terminal = execa(programPath("script"), ["-qec", line, "/dev/null"], {
    ...{ cwd: tmpdir(), env: { ...cleanEnvironment(), SHELL: "/bin/sh" }, extendEnv: false, reject: false },
    timeout: 60_000,
  });
  const left = [...answers];
  let seen = "";
  terminal.stdout.on("data", (text: Buffer) => {
    seen += text.toString();
    const [next] = left;
    if (next === undefined || !seen.includes(next[0])) return;
    left.shift();
    seen = "";
    terminal.stdin.write(`${next[1]}\r`);
  });
  const { exitCode, stdout } = await terminal;
  return { exitCode, shown: stdout, left };
}

describe("migrate on a terminal", () => {
  it("asks what it is not told, and copies", async () => {
    const world = await makeMigrationWorld(3);
    const { exitCode, shown, left } = await onTerminal(
      ["migrate", ...world.options, world.configPath],
      [
        ["Kind of the new store", "filesystem"],
        ["Folder of the new store", join(world.folder, "new")],
      ],
    );
    expect(left).toEqual([]);
    expect(shown).toContain("copied: what was there");
    expect(exitCode).toBe(0);
    expect(readdirSync(join(world.folder, "new"))).toEqual(["docker"]);
  });

  it("asks for the name of a target that it has not written, and stops at another one", async () => {
    const world = await makeMigrationWorld(6);
    const other = await makeMigrationWorld(3);
    const target = ["--to", "filesystem", "--rootdirectory", other.store];
    const { exitCode, shown } = await onTerminal(
      ["migrate", ...target, ...world.options, world.configPath],
      [["Type old to go on", "new"]],
    );
    expect(shown).toContain("that is not its name; nothing was changed");
    expect(exitCode).toBe(130);
  });
});
