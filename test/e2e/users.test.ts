import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const USERS = `# who may push\nalice:$2y$04$${"a".repeat(53)}\nbob:{SHA}xyz\n`;

async function usersFile(content = USERS): Promise<string> {
  const path = join(await temporaryFolder(), "htpasswd");
  await writeFile(path, content);
  return path;
}

/** Runs it with something on standard input. */
async function runWithInput(args: readonly string[], input: string | Uint8Array) {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    input,
    timeout: 60_000,
  });
  return { stdout, stderr, exitCode };
}

async function configFor(path: string): Promise<string> {
  const config = join(path, "..", "config.yml");
  await writeFile(
    config,
    `version: 0.1\nstorage: inmemory\nauth:\n  htpasswd:\n    realm: ours\n    path: ${path}\nhttp:\n  addr: 127.0.0.1:0\n`,
  );
  return config;
}

describe("users add", () => {
  it("takes the password from standard input, and keeps all that was in the file", async () => {
    const path = await usersFile();
    await chmod(path, 0o640);
    const { stdout, stderr, exitCode } = await runWithInput(
      ["users", "add", "--password-stdin", "--cost", "4", "--file", path, "carol"],
      "s:ecret\n",
    );
    expect({ stdout, stderr, exitCode }).toEqual({
      stdout: `added carol to ${path}`,
      stderr: "",
      exitCode: 0,
    });
    const text = await readFile(path, "utf8");
    expect(text.startsWith(USERS)).toBe(true);
    expect(text.slice(USERS.length)).toMatch(/^carol:\$2y\$04\$.{53}\n$/);
    expect((await stat(path)).mode & 0o777).toBe(0o640);
  });

  it("finds the file by the configuration, makes it, and prints a password that it made", async () => {
    const path = join(await temporaryFolder(), "htpasswd");
    const config = await configFor(path);
    const { stdout, stderr, exitCode } = await runRegistryCtl([
      "users",
      "add",
      "--generate",
      "--json",
      "dora",
      config,
    ]);
    expect(exitCode).toBe(0);
    expect(stderr).toContain(`users:  ${path}`);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "users add",
      file: path,
      user: "dora",
      dryRun: false,
      createdFile: true,
      writtenInPlace: false,
      lastUser: false,
      cost: 10,
      password: expect.stringMatching(/^[\w-]{24}$/),
    });
    expect(await readFile(path, "utf8")).toMatch(/^dora:\$2y\$10\$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("changes nothing in a dry run, for which it needs no password", async () => {
    const path = await usersFile();
    const { stdout, exitCode } = await runRegistryCtl(["users", "add", "--dry-run", "--file", path, "carol"]);
    expect({ stdout, exitCode }).toEqual({ stdout: `would add carol to ${path}`, exitCode: 0 });
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it.each([
    [["alice", "--generate"], 1, /has a user alice already\nhint: give another password with/],
    [["carol"], 2, /no terminal to ask on\nhint: pass --password-stdin or --generate/],
    [["carol", "--generate", "--password-stdin"], 2, /--generate and --password-stdin/],
    [["ca:rol", "--generate"], 2, /it has a colon/],
    [["ca\nrol", "--generate"], 2, /control character/],
    [["carol", "--generate", "--cost", "16"], 2, /4 to 15/],
    [["carol", "--generate", "--cost", "3"], 2, /4 to 15/],
    [["carol", "other.yml", "--generate"], 2, /other\.yml\) and --file/],
  ])("refuses %j", async (args, code, message) => {
    const path = await usersFile();
    const { stdout, stderr, exitCode } = await runRegistryCtl(["users", "add", "--file", path, ...args]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: code });
    expect(stderr).toMatch(message);
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it.each([
    ["that is empty", "", /it is empty/],
    ["that is an empty line", "\n", /it is empty/],
    ["of 73 bytes", `${"x".repeat(73)}\n`, /73 bytes, and bcrypt would look at the first 72/],
    ["of two lines", "two\nlines\n", /control character/],
    ["without an end", "x".repeat(100_000), /bytes/],
    ["that is not UTF-8", Buffer.from([0xe9]), /not UTF-8/],
  ])("refuses a password %s", async (_, input, message) => {
    const path = await usersFile();
    const { stderr, exitCode } = await runWithInput(
      ["users", "add", "--password-stdin", "--file", path, "carol"],
      input,
    );
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(message);
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it("changes nothing with --read-only-store", async () => {
    const path = await usersFile();
    const args = ["users", "add", "--generate", "--read-only-store", "--file", path, "carol"];
    expect((await runRegistryCtl(args)).exitCode).toBe(2);
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it("says of a configuration without auth.htpasswd what to do", async () => {
    const config = join(await temporaryFolder(), "config.yml");
    await writeFile(config, "version: 0.1\nstorage: inmemory\n");
    const { stderr, exitCode } = await runRegistryCtl(["users", "add", "--generate", "carol", config]);
    expect(exitCode).toBe(10);
    expect(stderr).toMatch(/has no auth, not auth\.htpasswd.*\nhint: .*--file/);
  });

  it("loses nothing when several run at once", async () => {
    const path = await usersFile();
    const names = ["u1", "u2", "u3", "u4"];
    const runs = await Promise.all(
      names.map((name) =>
        runRegistryCtl(["users", "add", "--generate", "--cost", "4", "--file", path, name]),
      ),
    );
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
    const text = await readFile(path, "utf8");
    for (const name of ["alice", "bob", ...names]) expect(text).toMatch(new RegExp(`^${name}:`, "m"));
  });
});

describe("users passwd", () => {
  it("changes the hash of one user in its place", async () => {
    const path = await usersFile();
    const { exitCode } = await runWithInput(
      ["users", "passwd", "--password-stdin", "--cost", "4", "--file", path, "alice"],
      "another",
    );
    expect(exitCode).toBe(0);
    const text = await readFile(path, "utf8");
    expect(text).toMatch(/^# who may push\nalice:\$2y\$04\$.{53}\nbob:\{SHA\}xyz\n$/);
    expect(text).not.toBe(USERS);
  });

  it("knows who is not there, before it takes a password", async () => {
    const path = await usersFile();
    const { stderr, exitCode } = await runWithInput(
      ["users", "passwd", "--password-stdin", "--file", path, "carol"],
      "",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/has no user carol/);
  });
});

describe("users remove", () => {
  it("needs --yes without a terminal", async () => {
    const path = await usersFile();
    const refused = await runRegistryCtl(["users", "remove", "--file", path, "alice"]);
    expect([refused.exitCode, await readFile(path, "utf8")]).toEqual([2, USERS]);
    expect(refused.stderr).toMatch(/Remove user alice from .*\nhint: pass --yes/);
    const done = await runRegistryCtl(["users", "remove", "--yes", "--file", path, "alice"]);
    expect([done.exitCode, done.stdout]).toEqual([0, `removed alice from ${path}`]);
    expect(await readFile(path, "utf8")).toBe("# who may push\nbob:{SHA}xyz\n");
  });

  it.each(["--dry-run", "--dryrun", "-n"])("changes nothing with %s", async (flag) => {
    const path = await usersFile("alice:x\n");
    const { stdout, exitCode } = await runRegistryCtl(["users", "remove", flag, "--file", path, "alice"]);
    expect(exitCode).toBe(0);
    expect(stdout).toBe(
      `would remove alice from ${path}\nnobody could log in any more: there is no other user`,
    );
    expect(await readFile(path, "utf8")).toBe("alice:x\n");
  });
});

describe("users list", () => {
  it("shows users and who of them cannot log in, and no hash", async () => {
    const path = await usersFile(`${USERS}alice:$2y$05$${"b".repeat(53)}\nnot a user\n`);
    const { stdout, stderr, exitCode } = await runRegistryCtl(["users", "list", "--file", path]);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n").map((line) => line.replace(/ +/g, " "))).toEqual([
      "USER HASH",
      "alice bcrypt, cost 4 the name stands again in line 4, which counts",
      "bob SHA-1 cannot log in: only bcrypt counts",
      "alice bcrypt, cost 5",
    ]);
    expect(stderr).toMatch(/htpasswd:5: the line is not NAME:HASH/);
  });

  it("is one document with --json", async () => {
    const path = await usersFile();
    const { stdout, exitCode } = await runRegistryCtl(["users", "list", "--json", "--file", path]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "users list",
      file: path,
      users: [
        { name: "alice", line: 2, hash: "bcrypt", cost: 4 },
        { name: "bob", line: 3, hash: "SHA-1", problem: "cannot log in: only bcrypt counts" },
      ],
      brokenLines: [],
    });
  });

  it("says that there is no such file", async () => {
    const { stderr, exitCode } = await runRegistryCtl(["users", "list", "--file", "/nowhere/htpasswd"]);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/\/nowhere\/htpasswd cannot be read: there is no such file/);
  });
});

describeWithPrograms(["script"], "users on a terminal", () => {
  it("asks for the password twice, and shows nothing of it", async () => {
    const path = await usersFile();
    const { exitCode, shown } = await runOnTerminal(
      ["users", "add", "--cost", "4", "--file", path, "carol"],
      {
        answers: [
          [/Password for carol:/, "hunter2hunter2\r"],
          [/The same again:/, "hunter2hunter2\r"],
        ],
      },
    );
    expect(exitCode, shown).toBe(0);
    expect(shown).not.toContain("hunter2");
    expect(await readFile(path, "utf8")).toMatch(/^carol:\$2y\$04\$/m);
  });

  it("changes nothing if the two differ", async () => {
    const path = await usersFile();
    const { exitCode, shown } = await runOnTerminal(["users", "passwd", "--file", path, "alice"], {
      answers: [
        [/Password for alice:/, "one password\r"],
        [/The same again:/, "another password\r"],
      ],
    });
    expect(exitCode, shown).toBe(1);
    expect(shown).toContain("the two passwords differ");
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it("removes nobody after a no, and nothing after Ctrl-C", async () => {
    const path = await usersFile();
    const no = await runOnTerminal(["users", "remove", "--file", path, "alice"], { answer: "n" });
    expect(no.exitCode, no.shown).toBe(130);
    const interrupted = await runOnTerminal(["users", "passwd", "--file", path, "alice"], {
      answers: [[/Password/, "\u0003"]],
    });
    expect(interrupted.exitCode, interrupted.shown).toBe(130);
    expect(await readFile(path, "utf8")).toBe(USERS);
  });

  it("takes no password from a terminal as if it were a file", async () => {
    const path = await usersFile();
    const { exitCode, shown } = await runOnTerminal([
      "users",
      "add",
      "--password-stdin",
      "--file",
      path,
      "carol",
    ]);
    expect(exitCode, shown).toBe(2);
    expect(shown).toContain("leave the option out to be asked");
  });
});
