import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { pushBlob, pushImage } from "../support/push-image.ts";
import { startRegistryService } from "../support/registry-service.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServerProcess } from "../support/server-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

vi.setConfig({ testTimeout: 180_000 });

const ACCEPT = "application/vnd.oci.image.manifest.v1+json";

async function pulls(url: string, name: string, tag: string): Promise<boolean> {
  const answer = await fetch(`${url}/v2/${name}/manifests/${tag}`, { headers: { accept: ACCEPT } });
  await answer.body?.cancel();
  return answer.status === 200;
}

describeWithPrograms(["docker-registry"], "migrate beside a Go registry", () => {
  it("changes its configuration, starts it again by its service, and goes back with what was pushed since", async () => {
    const folder = await temporaryFolder();
    const service = await startRegistryService(folder);
    const state = ["--state-dir", join(folder, "state"), "--ctl-config", join(folder, "ctl.yml")];
    const run = (...args: string[]) =>
      runRegistryCtl([...args, ...state, "--service", service.spec, service.configPath], { cwd: folder });
    const original = await readFile(service.configPath, "utf8");
    await pushImage(service.url, "team/app", "one", "v1");
    const target = ["--to", "filesystem", "--rootdirectory", join(folder, "new")];
    const moved = await run("migrate", ...target, "--cutover", "--yes", "--json");
    expect(moved.stderr).not.toContain("error:");
    expect(moved.exitCode).toBe(0);
    const report = JSON.parse(moved.stdout);
    expect(report.switched.probes).toEqual([
      "team/app:v1 can be pulled",
      "its config too",
      "an upload was begun and cancelled",
    ]);
    const config = await readFile(service.configPath, "utf8");
    expect(config).toBe(original.replace(join(folder, "store"), join(folder, "new")));
    expect(await readFile(report.switched.keptConfig, "utf8")).toBe(original);
    expect(await pulls(service.url, "team/app", "v1")).toBe(true);
    await pushImage(service.url, "team/after", "two", "v2");

    const back = await run("migrate", "rollback", "--yes", "--json");
    expect(back.stderr).not.toContain("error:");
    expect(back.exitCode).toBe(0);
    expect(await readFile(service.configPath, "utf8")).toBe(original);
    expect(await pulls(service.url, "team/after", "v2")).toBe(true);
    await pushBlob(service.url, "team/writable", "again");
  });

  it("prints the lines for gitlab.rb where GitLab's package writes the configuration, and waits for them", async () => {
    const port = await findFreePort();
    const host = makeOmnibusHost({ addr: `127.0.0.1:${port}`, withoutAuth: true });
    onTestFinished(() => host.remove());
    const url = `http://127.0.0.1:${port}`;
    const start = async () => {
      const command = [programPath("docker-registry"), "serve", host.configFile] as const;
      const server = await startServerProcess(command, { port });
      onTestFinished(() => server.stop().then(() => undefined));
      return server;
    };
    const first = await start();
    await pushImage(url, "team/app", "one", "v1");
    const newRoot = join(host.root, "new");
    const rendered = await readFile(host.configFile, "utf8");
    const words = [
      "migrate",
      "--to",
      "filesystem",
      "--rootdirectory",
      newRoot,
      "--cutover",
      "--yes",
      "--json",
    ];
    const running = startRegistryCtl([...words, "--state-dir", join(host.root, "state"), host.configFile]);
    let shown = "";
    running.child.stderr?.on("data", (text: Buffer) => {
      shown += text.toString();
    });
    const untilShown = (text: string) =>
      vi.waitFor(() => expect(shown).toContain(text), { timeout: 60_000, interval: 100 });
    await untilShown("'readonly' => {");
    const readOnly = rendered.replace('"delete":', '"maintenance":{"readonly":{"enabled":true}},"delete":');
    // As gitlab-ctl reconfigure does it.
    await writeFile(host.configFile, readOnly);
    await first.stop();
    const second = await start();
    await untilShown(newRoot);
    await untilShown("the registry takes no writes until then");
    await writeFile(host.configFile, rendered.replace(host.storageRoot, newRoot));
    await second.stop();
    await start();
    const { stdout, exitCode } = await running.result;
    expect(shown).not.toContain("error:");
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: "switched" });
    expect(JSON.parse(stdout).next.join("\n")).toContain("gitlab-backup");
    expect(await pulls(url, "team/app", "v1")).toBe(true);
    await pushBlob(url, "team/writable", "again");
  });
});
