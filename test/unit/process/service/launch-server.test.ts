import { linkSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { launchServer, SERVER_LOG } from "../../../../src/process/service/launch-server.ts";

let folder: string;
const [, ownScript] = process.argv;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-launch-"));
  const script = join(folder, "program.js");
  writeFileSync(
    script,
    `console.log("args", ...process.argv.slice(2)); console.error("session", process.pid);
if (process.argv[3] === "deaf") process.on("SIGTERM", () => {});
if (["stay", "deaf"].includes(process.argv[3])) setInterval(() => {}, 1000); else process.exitCode = 12;`,
  );
  process.argv[1] = script;
});

afterEach(() => {
  process.argv[1] = ownScript ?? "";
  rmSync(folder, { recursive: true, force: true });
});

function launch(...args: string[]) {
  return launchServer({ args: ["serve", ...args], cwd: folder, stateFolder: folder, deafAfterMs: 200 });
}

describe("launchServer", () => {
  it("adds both outputs to the log, and tells how the server ended", async () => {
    writeFileSync(join(folder, SERVER_LOG), "of before\n", { mode: 0o644 });
    const server = launch("config.yml");
    expect(server.log).toBe(join(folder, SERVER_LOG));
    await expect.poll(server.exitCode, { timeout: 10_000 }).toBe(12);
    expect(server.lastLines(9)).toEqual(["args serve config.yml", expect.stringMatching(/^session \d+$/)]);
    expect(readFileSync(server.log, "utf8")).toMatch(/^of before\nargs /);
    expect(statSync(server.log).mode & 0o777).toBe(0o600);
  });

  it("starts it in a session of its own, and ends it when asked to", async () => {
    const server = launchServer({ args: ["serve", "stay"], cwd: folder, stateFolder: folder });
    await expect.poll(() => server.lastLines(1).length, { timeout: 10_000 }).toBe(1);
    const stat = readFileSync(`/proc/${server.pid}/stat`, "utf8");
    const [, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    expect(Number(session)).toBe(server.pid);
    expect(server.exitCode()).toBeUndefined();
    await server.end();
    expect(server.exitCode()).toBe(128 + 15);
  });

  it("ends one by force that does not listen, so that nobody waits for it for ever", async () => {
    const server = launch("deaf");
    await expect.poll(() => server.lastLines(9).length, { timeout: 10_000 }).toBe(2);
    await server.end();
    expect(server.exitCode()).toBe(128 + 9);
  });

  it("puts a large log aside", async () => {
    writeFileSync(join(folder, SERVER_LOG), "x".repeat(17 * 1024 * 1024));
    const server = launch();
    await expect.poll(server.exitCode, { timeout: 10_000 }).toBe(12);
    expect(statSync(join(folder, `${SERVER_LOG}.1`)).size).toBe(17 * 1024 * 1024);
    expect(statSync(server.log).size).toBeLessThan(1000);
  });

  it("adds nothing to what others could have led it to", () => {
    const target = join(folder, "precious");
    writeFileSync(target, "precious");
    symlinkSync(target, join(folder, SERVER_LOG));
    expect(() => launch()).toThrow(expect.objectContaining({ code: "ERR_START" }));
    rmSync(join(folder, SERVER_LOG));
    linkSync(target, join(folder, SERVER_LOG));
    expect(() => launch()).toThrow("it is not a log of ours");
    expect(readFileSync(target, "utf8")).toBe("precious");
  });
});
