import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RecordedCommand } from "../../../src/cli/recorded-command.ts";
import { CancelledError, RegistryCtlError } from "../../../src/errors.ts";

let folder: string;
let warnings: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-recorded-"));
  warnings = [];
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A command line up to where the command itself runs. */
async function entered(words: string[]): Promise<RecordedCommand> {
  const args = ["--state-dir", folder, ...words];
  const recorded = new RecordedCommand({ args, env: {}, onWarning: (text) => void warnings.push(text) });
  const program = new Command("registry-ctl").option("--state-dir <dir>");
  program.hook("preAction", (_program, command) => recorded.enter(command));
  const add = new Command("add")
    .argument("[words...]")
    .allowUnknownOption()
    .action(() => {});
  program.addCommand(new Command("users").addCommand(add));
  await program.parseAsync(args, { from: "user" });
  return recorded;
}

function records(): Record<string, unknown>[] {
  const text = readFileSync(join(folder, "journal.jsonl"), "utf8");
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("RecordedCommand", () => {
  it("writes down the command by its full name, and how it ended", async () => {
    const recorded = await entered(["users", "add", "bob"]);
    await recorded.note({ target: "/f" });
    await recorded.note({ summary: "user bob" });
    recorded.end(3);
    expect(records()).toMatchObject([
      { type: "begin", command: "users add", target: "/f", pid: process.pid },
      { type: "end", outcome: "done", exitCode: 3, summary: "user bob" },
    ]);
    expect(records()[0]?.["actor"]).toMatchObject({ uid: process.getuid?.() });
  });

  it.each([
    [new RegistryCtlError("ERR_X", "no room"), { outcome: "failed", message: "no room" }],
    [new CancelledError("stopped by SIGINT"), { outcome: "stopped", message: "stopped by SIGINT" }],
    ["odd", { outcome: "failed", message: "odd" }],
  ])("says why it ended early: %s", async (error, expected) => {
    const recorded = await entered(["users", "add"]);
    await recorded.note({});
    recorded.end(1, error);
    expect(records()[1]).toMatchObject({ ...expected, exitCode: 1 });
  });

  it("masks what could be a secret, wherever it stands", async () => {
    const recorded = await entered([
      "users",
      "add",
      "--password=hunter2",
      "https://joe:hunter2@host/",
      "bob",
    ]);
    await recorded.note({ target: "https://joe:hunter2@host/" });
    recorded.end(1, new Error("https://joe:hunter2@host/ does not answer"));
    expect(JSON.stringify(records())).not.toContain("hunter2");
    expect(records()[0]?.["arguments"]).toEqual([
      ...["--state-dir", folder, "users", "add"],
      ...["--password=***", "https://***@host/", "bob"],
    ]);
  });

  it("writes nothing for a command that changes nothing", async () => {
    (await entered(["users", "add"])).end(0);
    expect(() => records()).toThrow("ENOENT");
  });

  it("warns once where nothing can be written, and never fails", async () => {
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "in the way");
    const recorded = await entered(["users", "add"]);
    await recorded.note({});
    recorded.end(0);
    expect(warnings).toEqual([
      expect.stringMatching(/^the journal of commands cannot be written \(.+\): say with --state-dir/),
    ]);
  });
});
