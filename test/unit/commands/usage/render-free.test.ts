import { describe, expect, it } from "vitest";
import { renderFree, renderScript } from "../../../../src/commands/usage/free/render.ts";
import { commandsOf } from "../../../../src/operations/usage/free/free-commands.ts";
import type { FreeStep } from "../../../../src/operations/usage/free/free-plan.ts";
import type { FreeReport } from "../../../../src/operations/usage/free/free-report.ts";

const MIB = 1024 ** 2;
const FILES = { config: "my config.yml", protect: "running.txt", envFrom: [], graceMs: 3_600_000 };

const REPORT: FreeReport = {
  schemaVersion: 1,
  command: "usage free",
  wantedBytes: 100 * MIB,
  storedBytes: 500 * MIB,
  freedBytes: 0,
  isEnough: true,
  steps: [],
  oldBefore: "2026-08-24T10:00:00.000Z",
  warnings: [],
  problems: [],
};

function reportOf(steps: readonly FreeStep[], more: Partial<FreeReport> = {}): FreeReport {
  const freedBytes = steps.reduce((sum, { bytes }) => sum + bytes, 0);
  const reported = steps.map((step) => ({ ...step, commands: commandsOf(step, FILES) }));
  return { ...REPORT, steps: reported, freedBytes, ...more };
}

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `t${index}`);

describe("commandsOf", () => {
  const usual = { config: undefined, protect: undefined, envFrom: [], graceMs: 3_600_000 };

  it.each([
    ["uploads", ["registry-ctl uploads purge"]],
    ["orphans", ["registry-ctl garbage-collect"]],
    ["untagged", ["registry-ctl garbage-collect -m"]],
  ] as const)("takes %s by %s", (kind, lines) => {
    const commands = commandsOf({ kind, bytes: 1 }, usual);
    expect(commands.map((words) => words.join(" "))).toEqual(lines);
  });

  it("deletes tags fifty at a time, and collects last", () => {
    const tags = [
      { repository: "a/b", tags: names(101) },
      { repository: "c", tags: ["x"] },
    ];
    const commands = commandsOf({ kind: "tags", bytes: 1, tags }, usual);
    expect(commands.map((words) => words.length - 4)).toEqual([50, 50, 1, 1, -1]);
    expect(commands.slice(0, 3).flatMap((words) => words.slice(4))).toEqual(names(101));
    expect(commands.at(-2)).toEqual(["registry-ctl", "tags", "delete", "c", "x"]);
    expect(commands.at(-1)).toEqual(["registry-ctl", "garbage-collect", "-m"]);
  });

  it("names the store and what is protected in every command that needs it", () => {
    const tags = [{ repository: "c", tags: ["x"] }];
    expect(commandsOf({ kind: "old-tags", bytes: 1, tags }, FILES)).toEqual([
      "registry-ctl tags delete c x --protect running.txt --config".split(" ").concat("my config.yml"),
      "registry-ctl garbage-collect -m --protect running.txt --config".split(" ").concat("my config.yml"),
    ]);
    expect(commandsOf({ kind: "uploads", bytes: 1 }, FILES)).toEqual([
      ["registry-ctl", "uploads", "purge", "--config", "my config.yml"],
    ]);
  });
});

it("takes the environment from where the plan took it", () => {
  const commands = commandsOf({ kind: "uploads", bytes: 1 }, { ...FILES, envFrom: ["pid:1", "/etc/env"] });
  expect(commands[0]?.slice(-4)).toEqual(["--env-from", "pid:1", "--env-from", "/etc/env"]);
});

it("collects with another grace where it was planned with another", () => {
  const commands = commandsOf({ kind: "untagged", bytes: 1 }, { ...FILES, graceMs: 0 });
  expect(commands[0]?.slice(0, 5)).toEqual(["registry-ctl", "garbage-collect", "-m", "--grace", "0s"]);
});

describe("renderFree", () => {
  it("shows each step with what it frees and how it is taken", () => {
    const report = reportOf([
      { kind: "uploads", bytes: MIB },
      { kind: "old-tags", bytes: 119 * MIB, tags: [{ repository: "c", tags: ["x", "y"] }] },
    ]);
    expect(renderFree(report)).toBe(`1. uploads that were abandoned: 1.0 MiB
     registry-ctl uploads purge --config 'my config.yml'

2. old tags, 2 tags in c, that were not set since 2026-08-24: 119.0 MiB
     registry-ctl tags delete c x y --protect running.txt --config 'my config.yml'
     registry-ctl garbage-collect -m --protect running.txt --config 'my config.yml'

frees 120.0 MiB of 500.0 MiB; wanted: 100.0 MiB`);
  });

  it("shows the first of many commands, and the collection behind them", () => {
    const tags = Array.from({ length: 20 }, (_, index) => ({ repository: `r${index}`, tags: ["x"] }));
    const text = renderFree(reportOf([{ kind: "tags", bytes: 200 * MIB, tags }]));
    expect(text).toContain(
      "1. the fewest tags that were found to suffice, 20 tags in 20 repositories: 200.0 MiB\n",
    );
    expect(text.match(/tags delete/g)).toHaveLength(9);
    expect(text).toMatch(
      /r8 x .*\n {5}… and 11 more commands: see --commands\n {5}registry-ctl garbage-collect -m/,
    );
  });

  it("says what is missing", () => {
    const steps: FreeStep[] = [{ kind: "untagged", bytes: 10 * MIB }];
    const text = renderFree(reportOf(steps, { isEnough: false, restBytes: 5 * MIB }));
    expect(text).toMatch(
      /\nfrees 10\.0 MiB of 500\.0 MiB\nnot enough: 90\.0 MiB of the 100\.0 MiB that are wanted/,
    );
    expect(text).toContain("everything else that may go would free another 5.0 MiB; that is not proposed");
    expect(renderFree(reportOf([], { isEnough: false }))).toMatch(
      /^nothing is proposed\nnot enough: 100\.0 MiB/,
    );
  });
});

describe("renderScript", () => {
  it("is a script that asks nothing and stops at the first failure", () => {
    const tags = [{ repository: "c", tags: ["x"] }];
    const steps: FreeStep[] = [
      { kind: "orphans", bytes: MIB },
      { kind: "projects", bytes: 2 * MIB, tags, projects: ["c"] },
    ];
    expect(renderScript(reportOf(steps)).split("\n")).toEqual([
      "set -e",
      "# blobs that no manifest needs: 1.0 MiB",
      "registry-ctl garbage-collect --protect running.txt --config 'my config.yml'",
      "# 1 project with all tags (c), 1 tag in c: 2.0 MiB",
      "registry-ctl tags delete c x --protect running.txt --config 'my config.yml' --yes",
      "registry-ctl garbage-collect -m --protect running.txt --config 'my config.yml'",
    ]);
  });
});
