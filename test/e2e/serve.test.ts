import { existsSync } from "node:fs";
import { access, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { run } from "../support/image-clients.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(["curl"], "serve without a config file", () => {
  it("stores in ./registry-data, says so, says where it listens and what to try", async () => {
    const folder = await temporaryFolder();
    const server = await serveEmbedded(folder);
    try {
      const answer = await run("curl", ["-sSi", `${server.url}/v2/`]);
      expect(answer).toMatch(/^HTTP\/1\.1 200 /);
      expect(answer).toMatch(/docker-distribution-api-version: registry\/2\.0/i);
      const client = new RegistryHttp(server.url);
      const image = await client.pushImage("first/image", "v1", [Buffer.from("layer")]);
      await client.expectComplete(image);
      client.close();
      await access(join(folder, "registry-data", "docker", "registry", "v2", "blobs"));
    } finally {
      await server.stop();
    }
    expect(server.output.stderr).toContain(join(folder, "registry-data"));
    expect(server.output.stderr).toContain(server.address);
    expect(server.output.stderr).toContain("skopeo copy");
    expect(server.output.stderr).toContain("docker push");
  });

  it("ends with exit code 0 on SIGTERM and can be started again on the same store", async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const first = await startServe({ rootDirectory });
    const client = new RegistryHttp(first.url);
    const image = await client.pushImage("kept/image", "v1", [Buffer.from("layer")]);
    client.close();
    expect(await first.stop()).toEqual({ exitCode: 0, signal: null });

    const second = await startServe({ rootDirectory, workers: 1 });
    const again = new RegistryHttp(second.url);
    await again.expectComplete(image);
    again.close();
    expect(await second.stop()).toEqual({ exitCode: 0, signal: null });
  });
});

it("serve takes ./config.yml where that is a registry's configuration", async () => {
  const folder = await temporaryFolder();
  const port = await findFreePort();
  const rootDirectory = join(folder, "elsewhere");
  const config = `version: 0.1\nstorage: { filesystem: { rootdirectory: ${rootDirectory} } }\nhttp: { addr: "127.0.0.1:${port}" }\n`;
  await writeFile(join(folder, "config.yml"), config);
  const server = await serveIn(folder, port, {});
  await server.stop();
  expect(server.output.stderr).toContain(join(folder, "config.yml"));
  expect(server.output.stderr).toContain(rootDirectory);
});

it("serve takes $REGISTRY_CONFIGURATION_PATH before ./config.yml", async () => {
  const folder = await temporaryFolder();
  const port = await findFreePort();
  const config = (name: string) =>
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${join(folder, name)} } }\nhttp: { addr: "127.0.0.1:${port}" }\n`;
  await writeFile(join(folder, "config.yml"), config("from-folder"));
  await writeFile(join(folder, "named.yml"), config("from-environment"));
  const server = await serveIn(folder, port, { REGISTRY_CONFIGURATION_PATH: join(folder, "named.yml") });
  await server.stop();
  expect(server.output.stderr).toContain(join(folder, "from-environment"));
  expect(server.output.stderr).not.toContain(join(folder, "from-folder"));
});

it("serve ends with exit code 10 for a config file that does not exist", async () => {
  const folder = await temporaryFolder();
  const result = await runRegistryCtl(["serve", "missing.yml"], { cwd: folder });
  expect(result.exitCode).toBe(10);
  expect(result.stdout).toBe("");
  expect(result.stderr).toContain("missing.yml");
});

it("serve ends with exit code 1 and says why when the port is in use", async () => {
  const folder = await temporaryFolder();
  const server = await startServe({ rootDirectory: join(folder, "registry") });
  await mkdir(join(folder, "second"));
  const config = await readFile(server.configPath, "utf8");
  const other = config.replace(join(folder, "registry"), join(folder, "other"));
  await writeFile(join(folder, "second", "config.yml"), other);
  const result = await runRegistryCtl(["serve"], { cwd: join(folder, "second"), env: stateIn(folder) });
  await server.stop();
  expect(result.exitCode, result.stderr).toBe(1);
  expect(result.stderr).toContain(server.address);
});

it.runIf(existsSync("/proc/self"))("serve says that the store's folder cannot be made", async () => {
  const folder = await temporaryFolder();
  const config = join(folder, "config.yml");
  await writeFile(config, "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /proc/registry/data\n");
  const result = await runRegistryCtl(["serve", config], { env: stateIn(folder) });
  expect(result).toMatchObject({ exitCode: 11, stdout: "" });
  expect(result.stderr).toContain("the store /proc/registry/data cannot be used");
});

function serveEmbedded(folder: string): Promise<ServerProcess> {
  return findFreePort().then((port) => serveIn(folder, port, { REGISTRY_HTTP_ADDR: `127.0.0.1:${port}` }));
}

function serveIn(folder: string, port: number, env: Record<string, string>): Promise<ServerProcess> {
  const args = [REGISTRY_CTL_PATH, "serve", "--workers", "2", "--state-dir", join(folder, "state")] as const;
  return startServerProcess([process.execPath, ...args], {
    port,
    cwd: folder,
    env: { ...stateIn(folder), ...env },
  });
}

function stateIn(folder: string): Record<string, string> {
  return { XDG_STATE_HOME: join(folder, "state"), XDG_RUNTIME_DIR: folder };
}
