import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { askCredentialHelper } from "../../../../src/client/registry/credential-helper.ts";
import { REGISTRY_VARIABLES } from "../../../../src/client/registry/credential-variables.ts";
import { findCredentials } from "../../../../src/client/registry/find-credentials.ts";
import { CancelledError } from "../../../../src/errors.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const HOST = "registry.example:5000";

/** A folder with the program `docker-credential-test`. */
async function helper(script: string): Promise<{ folder: string; env: Record<string, string> }> {
  const folder = await temporaryFolder();
  const path = join(folder, "docker-credential-test");
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { folder, env: { PATH: `${folder}:${process.env["PATH"]}` } };
}

async function ask(script: string, more: { timeoutMs?: number; signal?: AbortSignal } = {}) {
  const { env } = await helper(script);
  return askCredentialHelper("test", { host: HOST, env, ...more });
}

describe("a credential helper", () => {
  it("is asked for the host on its standard input, and gives a password or an identity token", async () => {
    const { folder, env } = await helper(
      `echo "$@" > "$(dirname "$0")/args"; cat > "$(dirname "$0")/input"; echo '{"ServerURL":"x","Username":"me","Secret":"pw"}'`,
    );
    const found = await askCredentialHelper("test", { host: HOST, env });
    expect(found).toEqual({ kind: "basic", user: "me", password: "pw" });
    expect(await readFile(join(folder, "args"), "utf8")).toBe("get\n");
    expect(await readFile(join(folder, "input"), "utf8")).toBe(HOST);
    expect(await ask(`echo '{"Username":"<token>","Secret":"t"}'`)).toEqual({ kind: "identity", token: "t" });
  });

  it("may have nothing, and read nothing", async () => {
    expect(await ask("echo 'credentials not found in native keychain'; exit 1")).toBeUndefined();
    expect(await ask(`exec 0<&-; echo '{"Username":"me","Secret":"pw"}'`)).toMatchObject({ user: "me" });
  });

  it("that fails, prints garbage or never ends is told without what it wrote", async () => {
    const bad: [string, string][] = [
      ["echo hunter2; echo hunter2 >&2; exit 1", "failed for registry.example:5000 with exit code 1"],
      ["echo hunter2", "gives neither user and password nor a token"],
      [`echo '{"Username":"hunter2"}'`, "gives neither"],
      [`echo '{"Username":"","Secret":"hunter2"}'`, "gives neither"],
      ["echo '[\"hunter2\"]'", "gives neither"],
      ["yes hunter2", "writes without end"],
      ["echo hunter2; exec sleep 1000", "says nothing within 0.3 s"],
      // What it has started holds its output open.
      ["sleep 1000 & echo hunter2; wait", "says nothing within 0.3 s"],
    ];
    for (const [script, message] of bad) {
      const error: unknown = await ask(script, { timeoutMs: script.includes("sleep") ? 300 : 20_000 }).catch(
        (reason: unknown) => reason,
      );
      expect(error, script).toMatchObject({ name: "UsageError", message: expect.stringContaining(message) });
      expect(JSON.stringify([error, String(error)])).not.toContain("hunter2");
    }
  });

  it("is no path, and no program that is not there", async () => {
    const options = { host: HOST, env: { PATH: "/nowhere" } };
    for (const name of ["../../tmp/x", "a b", "", "-x", "$(id)"]) {
      await expect(askCredentialHelper(name, options)).rejects.toThrow("no name of a program");
    }
    await expect(askCredentialHelper("none", options)).rejects.toThrow("is not in the search path");
  });

  it("is ended when somebody asks to stop", async () => {
    const stop = new AbortController();
    const asked = ask("exec sleep 1000", { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(asked).rejects.toThrow(CancelledError);
  });
});

describe("the place of credentials", () => {
  const auth = Buffer.from("docker:pw").toString("base64");

  async function find(env: Record<string, string>, more: { authFile?: string; host?: string } = {}) {
    return findCredentials({
      address: new URL(`https://${more.host ?? HOST}/`),
      authFile: more.authFile,
      variables: REGISTRY_VARIABLES,
      ...{ env, cwd: "/" },
    });
  }

  it("is the named file, then the variables, then the job, then docker's configuration", async () => {
    const folder = await temporaryFolder();
    const write = (name: string, user: string): Promise<void> => {
      const entry = { auth: Buffer.from(`${user}:pw`).toString("base64") };
      return writeFile(join(folder, name), JSON.stringify({ auths: { [HOST]: entry } }));
    };
    await write("named.json", "named");
    await write("config.json", "docker");
    const docker = { DOCKER_CONFIG: folder };
    const job = { ...docker, CI_REGISTRY: HOST, CI_REGISTRY_USER: "job", CI_REGISTRY_PASSWORD: "pw" };
    const own = { ...job, REGISTRY_CTL_USERNAME: "own", REGISTRY_CTL_PASSWORD: "pw" };
    const authFile = join(folder, "named.json");
    const users: unknown[] = [];
    for (const found of [await find(own, { authFile }), await find(own), await find(job), await find(docker)])
      users.push(found?.credentials);
    expect(users).toMatchObject([{ user: "named" }, { user: "own" }, { user: "job" }, { user: "docker" }]);
    expect(await find({})).toBeUndefined();
    expect(await find({ HOME: folder })).toBeUndefined();
    // What is for one registry is nothing for another.
    expect(await find(job, { host: "other.example" })).toBeUndefined();
    await expect(find(own, { authFile, host: "other.example" })).rejects.toThrow(
      "no credentials for other.example",
    );
  });

  it("is the helper before what stands in the file, which serves where the helper has nothing", async () => {
    const { folder, env } = await helper(`echo '{"Username":"helped","Secret":"pw"}'`);
    const config = { credsStore: "test", auths: { [HOST]: { auth } } };
    await writeFile(join(folder, "config.json"), JSON.stringify(config));
    expect((await find({ ...env, DOCKER_CONFIG: folder }))?.credentials).toMatchObject({ user: "helped" });
    const none = await helper("echo 'credentials not found in native keychain'; exit 1");
    await writeFile(join(none.folder, "config.json"), JSON.stringify(config));
    const found = await find({ ...none.env, DOCKER_CONFIG: none.folder });
    expect(found?.credentials).toMatchObject({ user: "docker" });
  });
});
