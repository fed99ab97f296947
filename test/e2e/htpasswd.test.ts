import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A folder for a store, and the configuration of a file of users beside it. */
async function prepare() {
  const folder = await temporaryFolder();
  const path = join(folder, "auth", "htpasswd");
  const moreConfig = `auth:\n  htpasswd:\n    realm: ours\n    path: ${path}\n`;
  return { folder, path, options: { rootDirectory: join(folder, "store"), moreConfig } };
}

async function statusOf(url: string, user: string, password: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const response = await fetch(`${url}/v2/`, { headers: { authorization } });
  await response.arrayBuffer();
  return response.status;
}

async function serve(options: Parameters<typeof startServe>[0]): Promise<ServeProcess> {
  const server = await startServe(options);
  onTestFinished(async () => {
    await server.stop();
  });
  return server;
}

/** Changes are seen within a second. */
async function untilStatus(url: string, user: string, password: string, status: number): Promise<void> {
  await expect.poll(() => statusOf(url, user, password), { timeout: 60_000, interval: 200 }).toBe(status);
}

async function addUser(path: string, user: string, ...more: string[]): Promise<string> {
  const { stdout } = await runRegistryCtl([
    "users",
    "add",
    "--generate",
    "--json",
    "--cost",
    "5",
    "--file",
    path,
    user,
    ...more,
  ]);
  const { password } = JSON.parse(stdout) as { password: string };
  return password;
}

describe("serve with auth.htpasswd", () => {
  it("makes a missing file once for all workers, tells its password once, and sees changes", async () => {
    const { folder, path, options } = await prepare();
    const server = await serve({ ...options, workers: 4 });
    const told = [...server.output.stderr.matchAll(/default user docker and password ([\w-]{43})/g)];
    expect(told).toHaveLength(1);
    const password = told[0]?.[1] ?? "";
    // On connections of their own, so that each worker is asked.
    for (let count = 0; count < 8; count++) expect(await statusOf(server.url, "docker", password)).toBe(200);
    expect(await statusOf(server.url, "docker", "wrong")).toBe(401);
    expect(await readdir(join(folder, "auth"))).toEqual(["htpasswd"]);

    const alices = await addUser(path, "alice");
    await untilStatus(server.url, "alice", alices, 200);
    await runRegistryCtl(["users", "remove", "--yes", "--file", path, "docker"]);
    await untilStatus(server.url, "docker", password, 401);
    expect(server.output.stdout + server.output.stderr.replace(password, "")).not.toContain(password);
  });

  it.each([
    ["broken", "no user\n", /exit code 10[\s\S]*htpasswd:1: the line is not NAME:HASH/],
    ["a folder", undefined, /exit code 10[\s\S]*htpasswd cannot be read: it is a folder/],
  ])("does not start where the file is %s", async (_, content, message) => {
    const { path, options } = await prepare();
    await mkdir(join(path, ".."), { recursive: true });
    if (content === undefined) await mkdir(path);
    else await writeFile(path, content);
    await expect(startServe(options)).rejects.toThrow(message);
  });
});

describeWithPrograms(["docker-registry"], "files of users beside the Go registry", () => {
  it("are read by it, and one that it made is read by us", async () => {
    const { path, options } = await prepare();
    const go = await startGoRegistry(options);
    onTestFinished(async () => {
      await go.stop();
    });
    const made = await readFile(path, "utf8");
    expect(made).toMatch(/^docker:\$2a\$10\$.{53}$/);
    const dockers = /password=("?)([\w-]+)\1/.exec(go.output.stderr + go.output.stdout)?.[2] ?? "";
    expect(await statusOf(go.url, "docker", dockers)).toBe(200);

    const alices = await addUser(path, "alice");
    expect(await readFile(path, "utf8")).toMatch(/^docker:.*\nalice:\$2y\$05\$.{53}\n$/);
    expect(await statusOf(go.url, "alice", alices)).toBe(200);
    expect(await statusOf(go.url, "alice", "wrong")).toBe(401);

    const ours = await serve({ ...options, rootDirectory: `${options.rootDirectory}2` });
    expect(await statusOf(ours.url, "docker", dockers)).toBe(200);
    expect(await statusOf(ours.url, "alice", alices)).toBe(200);
    expect(await statusOf(ours.url, "docker", alices)).toBe(401);
  });

  it.each(["htpasswd", "silly"])("are asked for with the same answers, auth.%s", async (kind) => {
    const { path, options: ofHtpasswd } = await prepare();
    await mkdir(join(path, ".."));
    await addUser(path, "alice");
    const silly = "auth:\n  silly:\n    realm: our realm\n    service: our service\n";
    const options = kind === "silly" ? { ...ofHtpasswd, moreConfig: silly } : ofHtpasswd;
    const go = await startGoRegistry(options);
    onTestFinished(async () => {
      await go.stop();
    });
    const ours = await serve({ ...options, rootDirectory: `${options.rootDirectory}2` });
    const requests: [string, string, string | undefined][] = [
      ["GET", "/v2/", undefined],
      ["GET", "/v2/", "Bearer x"],
      ["GET", "/v2/", `Basic ${Buffer.from("alice:wrong").toString("base64")}`],
      ["GET", "/v2/_catalog", undefined],
      ["GET", "/v2/a/b/tags/list", undefined],
      ["PUT", "/v2/a/b/manifests/latest", undefined],
      ["POST", `/v2/a/b/blobs/uploads/?mount=sha256:${"0".repeat(64)}&from=c/d`, undefined],
      ["DELETE", "/v2/a/b/manifests/latest", undefined],
    ];
    for (const [method, target, authorization] of requests) {
      const headers = authorization === undefined ? {} : { authorization };
      const [theirs, own] = await Promise.all(
        [go, ours].map(async ({ url }) => answerOf(url + target, method, headers)),
      );
      expect(own, `${method} ${target}`).toEqual(theirs);
    }
  });
});

async function answerOf(url: string, method: string, headers: Record<string, string>) {
  const response = await fetch(url, { method, headers });
  return {
    status: response.status,
    challenge: response.headers.get("www-authenticate"),
    type: response.headers.get("content-type")?.replace(/; charset=utf-8$/, ""),
    body: await response.text(),
  };
}

describeWithPrograms(["htpasswd"], "files of users beside Apache's htpasswd", () => {
  it("are read both ways", async () => {
    const { path, options } = await prepare();
    await mkdir(join(path, ".."));
    await execa(programPath("htpasswd"), ["-cbB", "-C", "5", path, "zoe", "pass:wörd"]);
    await execa(programPath("htpasswd"), ["-bm", path, "mike", "md5"]);
    const alices = await addUser(path, "alice");
    const verified = await execa(programPath("htpasswd"), ["-vb", path, "alice", alices], { reject: false });
    expect(verified.exitCode, verified.stderr).toBe(0);

    const server = await serve(options);
    expect(await statusOf(server.url, "zoe", "pass:wörd")).toBe(200);
    expect(await statusOf(server.url, "alice", alices)).toBe(200);
    expect(await statusOf(server.url, "mike", "md5")).toBe(401);
    expect(server.output.stderr).toMatch(/only bcrypt counts.*line=2.*MD5/);

    await execa(programPath("htpasswd"), ["-bB", "-C", "5", path, "zoe", "another"]);
    await untilStatus(server.url, "zoe", "another", 200);
    const changed = await runRegistryCtl(["users", "list", "--json", "--file", path]);
    const { users } = JSON.parse(changed.stdout) as { users: { name: string }[] };
    expect(users.map(({ name }) => name)).toEqual(["zoe", "mike", "alice"]);
  });
});

describeWithPrograms(["skopeo"], "skopeo with a name and a password", () => {
  it("logs in with the right one only, and is refused without", async () => {
    const { folder, path, options } = await prepare();
    await mkdir(join(path, ".."));
    const password = await addUser(path, "alice");
    const server = await serve(options);
    const auth = ["--authfile", join(folder, "auth.json"), "--tls-verify=false"];
    const login = (word: string) =>
      execa(programPath("skopeo"), ["login", ...auth, "-u", "alice", "--password-stdin", server.address], {
        input: word,
        reject: false,
      });
    expect((await login("wrong")).exitCode).not.toBe(0);
    const done = await login(password);
    expect(done.exitCode, done.stderr).toBe(0);
    const list = ["list-tags", ...auth, `docker://${server.address}/none`];
    const allowed = await execa(programPath("skopeo"), list, { reject: false });
    expect(allowed.stderr).not.toMatch(/unauthorized|authentication required/);
    const anonymous = ["list-tags", "--tls-verify=false", "--no-creds", `docker://${server.address}/none`];
    const refused = await execa(programPath("skopeo"), anonymous, { reject: false });
    expect(refused.stderr).toMatch(/authentication required/);
  });
});
