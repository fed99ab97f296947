import { chmod, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hashPassword } from "../../../src/lib/bcrypt-password.ts";
import { HtpasswdController } from "../../../src/server/auth/htpasswd-controller.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const NOBODY = 65534;
const COST = 4;
const REALM = 'Our "registry" für alle';

let path: string;
let server: InProcessServer;
let nowMs: number;

beforeEach(async () => {
  nowMs = 0;
  path = join(await temporaryFolder(), "htpasswd");
  await writeUsers({ alice: "s:ecret", "josé bär": "pässword" });
});

afterEach(() => server?.close());

async function lineOf(name: string, password: string): Promise<string> {
  return `${name}:${await hashPassword(password, COST)}\n`;
}

async function writeUsers(users: Record<string, string>): Promise<void> {
  const lines = await Promise.all(Object.entries(users).map(([name, password]) => lineOf(name, password)));
  await writeFile(`${path}.new`, `# users\n${lines.join("")}`);
  await rename(`${path}.new`, path);
}

async function start(): Promise<void> {
  const auth = { kind: "htpasswd", realm: REALM, path } as const;
  const access = new HtpasswdController(auth, { logger: silentLogger, nowMs: () => nowMs });
  server = await startInProcessServer({ access });
}

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString("base64")}`;
}

async function ask(
  name: string,
  password: string,
  { from, target = "/v2/" }: { from?: string; target?: string } = {},
): Promise<Response> {
  const headers = { authorization: basic(name, password), ...(from ? { "x-forwarded-for": from } : {}) };
  return fetch(`${server.url}${target}`, { headers });
}

async function statusOf(name: string, password: string, options: { from?: string } = {}): Promise<number> {
  const response = await ask(name, password, options);
  await response.arrayBuffer();
  return response.status;
}

async function failTimes(times: number, name: string, from: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let count = 0; count < times; count++) statuses.push(await statusOf(name, `wrong${count}`, { from }));
  return statuses;
}

describe("auth.htpasswd", () => {
  it("lets users in, and names them in the access log", async () => {
    await start();
    expect(await statusOf("alice", "s:ecret")).toBe(200);
    expect(await statusOf("josé bär", "pässword")).toBe(200);
    expect(server.accessLines[0]).toMatch(/^127\.0\.0\.1 - alice \[/);
    expect(server.accessLines[1]).toMatch(/ - josé\\x20bär \[/);
  });

  it.each([
    ["alice", "s"],
    ["alice", "s:ecre"],
    ["alice", ""],
    ["alice", "s:ecret\0"],
    ["Alice", "s:ecret"],
    ["nobody", "s:ecret"],
    ["", ""],
    ["__proto__", "x"],
    ["# users", ""],
  ])("refuses %j with the password %j", async (name, password) => {
    await start();
    expect(await statusOf(name, password)).toBe(401);
  });

  it("challenges as the Go registry does", async () => {
    await start();
    const response = await fetch(`${server.url}/v2/some/repo/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(401);
    const challenge = Buffer.from(response.headers.get("www-authenticate") ?? "", "latin1").toString();
    expect(challenge).toBe('Basic realm="Our \\"registry\\" für alle"');
    const access = (Action: string) => ({ Type: "repository", Class: "", Name: "some/repo", Action });
    expect(await response.json()).toEqual({
      errors: [
        {
          code: "UNAUTHORIZED",
          message: "authentication required",
          detail: [access("pull"), access("push")],
        },
      ],
    });
    const base = await fetch(`${server.url}/v2/`);
    expect(await base.json()).toMatchObject({ errors: [{ detail: null }] });
  });

  it("asks for a password everywhere but at /", async () => {
    await start();
    expect((await fetch(`${server.url}/`)).status).toBe(200);
    for (const target of [
      "/v2/",
      "/v2/_catalog",
      "/v2/a/tags/list",
      "/v2/a/manifests/x",
      "/v2/a/referrers/x",
    ]) {
      expect((await fetch(server.url + target)).status, target).toBe(401);
    }
  });

  it.each(["Bearer abc", "Basic", "Basic !!!!", "Digest username=alice"])(
    "refuses the header %j",
    async (header) => {
      await start();
      const response = await fetch(`${server.url}/v2/`, { headers: { authorization: header } });
      expect(response.status).toBe(401);
    },
  );

  it("lets nobody in by a hash that is not bcrypt, and says so", async () => {
    await writeFile(path, "bob:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\ncarl:plain\ndora:\n");
    server = await startInProcessServer({ settings: { auth: { kind: "htpasswd", realm: "r", path } } });
    expect(await statusOf("bob", "password")).toBe(401);
    expect(await statusOf("carl", "plain")).toBe(401);
    expect(await statusOf("dora", "")).toBe(401);
    const warnings = server.logged.filter(({ level, fields }) => level === "warn" && fields?.["line"]);
    expect(warnings.map(({ fields }) => fields)).toEqual([
      { path, line: 1, user: "bob", hash: "SHA-1" },
      { path, line: 2, user: "carl", hash: "crypt or plain text" },
      { path, line: 3, user: "dora", hash: "crypt or plain text" },
    ]);
    expect(JSON.stringify(server.logged)).not.toMatch(/W6ph5|"plain"/);
  });

  it("takes the last line of a name", async () => {
    await writeFile(path, (await lineOf("alice", "old")) + (await lineOf("alice", "new")));
    await start();
    expect([await statusOf("alice", "old"), await statusOf("alice", "new")]).toEqual([401, 200]);
    await writeFile(path, `${await lineOf("alice", "new")}alice:{SHA}x\n`);
    nowMs += 1_000;
    expect(await statusOf("alice", "new")).toBe(401);
  });

  it("sees users that are added, changed and removed, also those that it remembers", async () => {
    await start();
    expect(await statusOf("alice", "s:ecret")).toBe(200);
    await writeUsers({ alice: "another", bob: "secret" });
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret")).toBe(401);
    expect(await statusOf("alice", "another")).toBe(200);
    expect(await statusOf("bob", "secret")).toBe(200);
    await writeUsers({ bob: "secret" });
    nowMs += 1_000;
    expect(await statusOf("alice", "another")).toBe(401);
    expect(await statusOf("bob", "secret")).toBe(200);
  });

  it("goes on with what it knows when the file cannot be used", async () => {
    await start();
    await writeFile(path, "half a li");
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret")).toBe(200);
    await rm(path);
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret")).toBe(200);
  });

  it.each([
    ["no colon here\n", /htpasswd:1: the line is not NAME:HASH/],
    ["# fine\n\nalice\n", /htpasswd:3: the line is not NAME:HASH/],
  ])("does not start with %j", async (content, message) => {
    await writeFile(path, content);
    await expect(start()).rejects.toMatchObject({
      code: "ERR_CONFIG",
      message: expect.stringMatching(message),
    });
  });

  it("does not start without its file", async () => {
    await rm(path);
    await expect(start()).rejects.toMatchObject({ code: "ERR_CONFIG" });
  });

  it("does not start with a file that it may not read", async () => {
    await chmod(path, 0);
    // Root may read any file, and becomes somebody else for a moment.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) process.seteuid?.(NOBODY);
    try {
      await expect(start()).rejects.toMatchObject({
        code: "ERR_CONFIG",
        message: expect.stringMatching(/EACCES/),
      });
    } finally {
      if (isRoot) process.seteuid?.(0);
    }
  });
});

describe("wrong passwords", () => {
  const ATTACKER = "198.51.100.66";

  it("slow their client down for that name, and not the right user elsewhere", async () => {
    await start();
    expect(await failTimes(8, "alice", ATTACKER)).toEqual([401, 401, 401, 401, 401, 401, 429, 429]);
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(429);
    expect(await statusOf("alice", "s:ecret", { from: "203.0.113.1" })).toBe(200);
    expect(await statusOf("josé bär", "pässword", { from: ATTACKER })).toBe(200);
  });

  it("are told when to try again, and are heard then", async () => {
    await start();
    await failTimes(6, "alice", ATTACKER);
    const refused = await ask("alice", "s:ecret", { from: ATTACKER });
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
    expect(await refused.json()).toMatchObject({ errors: [{ code: "TOOMANYREQUESTS" }] });
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
  });

  it("cannot be hidden behind many names", async () => {
    await start();
    const statuses: number[] = [];
    for (let count = 0; count < 24; count++) {
      statuses.push(await statusOf(`guess${count}`, "password", { from: ATTACKER }));
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(21);
    expect(statuses.slice(-3)).toEqual([429, 429, 429]);
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
  });

  it("with many names do not keep those waiting who were right at the same address before", async () => {
    await start();
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
    nowMs += 6 * 60_000;
    const statuses: number[] = [];
    for (let count = 0; count < 22; count++) {
      statuses.push(await statusOf(`guess${count}`, "password", { from: ATTACKER }));
    }
    expect(statuses.at(-1)).toBe(429);
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
  });

  it("do not learn meanwhile who was right at the same address, and cannot guess for that name faster", async () => {
    await start();
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
    nowMs += 6 * 60_000;
    for (let count = 0; count < 22; count++) await statusOf(`guess${count}`, "password", { from: ATTACKER });
    expect(await failTimes(6, "alice", ATTACKER)).toEqual([429, 429, 429, 429, 429, 429]);
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(429);
    nowMs += 1_000;
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
  });

  it("cannot be hidden behind many addresses of one IPv6 network", async () => {
    await start();
    const statuses: number[] = [];
    for (let count = 0; count < 8; count++) {
      statuses.push(await statusOf("alice", `wrong${count}`, { from: `2001:db8::${count}` }));
    }
    expect(statuses.slice(-2)).toEqual([429, 429]);
    expect(await statusOf("alice", "s:ecret", { from: "2001:db8:0:1::1" })).toBe(200);
  });

  it("cannot be tried all at once", async () => {
    await start();
    const attempts = Array.from({ length: 60 }, (_, count) =>
      statusOf("alice", `wrong${count}`, { from: ATTACKER }),
    );
    const statuses = await Promise.all(attempts);
    expect(statuses.filter((status) => status === 401)).toHaveLength(6);
    expect(statuses.filter((status) => status === 429)).toHaveLength(54);
  });

  it("do not keep out who is remembered", async () => {
    await start();
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
    expect(await failTimes(8, "alice", ATTACKER)).toContain(429);
    expect(await statusOf("alice", "s:ecret", { from: ATTACKER })).toBe(200);
  });

  it("are forgotten after a while", async () => {
    await start();
    await failTimes(8, "alice", ATTACKER);
    nowMs += 16 * 60_000;
    expect(await failTimes(6, "alice", ATTACKER)).toEqual([401, 401, 401, 401, 401, 401]);
  });
});

describe("many right logins at once", () => {
  it("all succeed, of one user and of many at one address", async () => {
    const names = Array.from({ length: 30 }, (_, index) => `user${index}`);
    await writeUsers(Object.fromEntries(names.map((name) => [name, `${name}'s`])));
    await start();
    const statuses = await Promise.all(
      names.flatMap((name) => [statusOf(name, `${name}'s`), statusOf(name, `${name}'s`)]),
    );
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});
