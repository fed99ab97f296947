import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NO_BRAKES = ["--grace", "0s", "--max-delete", "100%"];

describeWithPrograms(["docker-registry"], "garbage-collect on what the Go registry wrote", () => {
  it("lists in a dry run what the real run then deletes, and nothing else goes", async () => {
    const { rootDirectory, configPath, old, current } = await goStore();
    const before = await listFiles(rootDirectory);

    const dryRun = await runRegistryCtl([
      "garbage-collect",
      "-m",
      "--dry-run",
      ...NO_BRAKES,
      ...atStore(configPath),
    ]);
    expect(dryRun.stderr).toContain(configPath);
    expect(dryRun.stdout).toContain(old.manifestDigest);
    expect(dryRun.stdout).not.toContain(current.manifestDigest);
    expect(dryRun.exitCode).toBe(0);
    expect(await listFiles(rootDirectory)).toEqual(before);

    const real = await runRegistryCtl(["garbage-collect", "-m", ...NO_BRAKES, ...atStore(configPath)]);
    expect(real.exitCode, real.stderr).toBe(0);
    const gone = before.filter((path) => !path.includes("lock"));
    const after = await listFiles(rootDirectory);
    const removed = gone.filter((path) => !after.includes(path));
    const hexes = [old.manifestDigest, ...old.blobDigests].map((digest) => digest.slice("sha256:".length));
    expect(removed.length).toBeGreaterThanOrEqual(6);
    for (const path of removed)
      expect(
        hexes.some((hex) => path.includes(hex)),
        path,
      ).toBe(true);

    const server = await startGoRegistry({ rootDirectory });
    const client = new RegistryHttp(server.url);
    await client.expectComplete(current);
    client.close();
    await server.stop();
  });

  it("reports as one JSON document", async () => {
    const { configPath } = await goStore();
    const result = await runRegistryCtl([
      "garbage-collect",
      "-m",
      "--json",
      ...NO_BRAKES,
      ...atStore(configPath),
    ]);
    expect(result.exitCode, result.stderr).toBe(0);
    const report = JSON.parse(result.stdout);
    const dead = { blobs: 3, bytes: 30_549, manifests: 1, layerLinks: 2, tagHistoryLinks: 1 };
    expect(report).toEqual({
      schemaVersion: 1,
      command: "garbage-collect",
      dryRun: false,
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      found: { repositories: 1, tags: 1, manifests: 2, blobs: 6, bytes: 51_098 },
      marked: { blobs: 3, bytes: 20_549 },
      eligible: dead,
      deleted: dead,
      warnings: expect.any(Array),
      failed: [],
      seconds: expect.any(Number),
      phaseSeconds: { plan: expect.any(Number), sweep: expect.any(Number), verify: 0 },
      journal: expect.stringContaining(`${configPath}.state`),
    });
  });

  it("keeps what is younger than an hour by default", async () => {
    const { rootDirectory, configPath } = await goStore();
    const before = await listFiles(rootDirectory);
    const result = await runRegistryCtl(["garbage-collect", "-m", "--json", ...atStore(configPath)]);
    expect(result.exitCode, result.stderr).toBe(0);
    expect(JSON.parse(result.stdout).deleted.blobs).toBe(0);
    expect(await listFiles(rootDirectory)).toEqual(expect.arrayContaining(before));
  });

  it("refuses with exit code 12 while a server takes pushes, and deletes once it is read-only", async () => {
    const { rootDirectory, configPath } = await goStore();
    const port = Number((await runConfigAddress(configPath)).split(":").at(-1));
    const before = await listFiles(rootDirectory);

    const writable = await startServe({ rootDirectory, port });
    const refused = await runRegistryCtl(["garbage-collect", "-m", ...NO_BRAKES, ...atStore(configPath)]);
    const dryRun = await runRegistryCtl([
      "garbage-collect",
      "-m",
      "-n",
      ...NO_BRAKES,
      ...atStore(configPath),
    ]);
    await writable.stop();
    expect(refused.exitCode, refused.stderr).toBe(12);
    expect(refused.stdout).toBe("");
    expect(dryRun.exitCode, dryRun.stderr).toBe(0);
    expect(await listFiles(rootDirectory)).toEqual(expect.arrayContaining(before));

    const readOnly = await startServe({ rootDirectory, port, readOnly: true });
    const done = await runRegistryCtl([
      "garbage-collect",
      "-m",
      "--json",
      ...NO_BRAKES,
      ...atStore(configPath),
    ]);
    await readOnly.stop();
    expect(done.exitCode, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout).deleted.blobs).toBe(3);
  });
});

describeWithPrograms(["docker-registry", "script"], "garbage-collect on a terminal", () => {
  // A terminal made by a program, as in CI and `docker exec -t`, has no size until somebody sets one.
  it.each([80, 0])(
    "asks before -m deletes, and deletes nothing after a no, %s columns wide",
    async (columns) => {
      const { rootDirectory, configPath } = await goStore();
      const before = await listFiles(rootDirectory);
      const command = [
        process.execPath,
        REGISTRY_CTL_PATH,
        "garbage-collect",
        "-m",
        ...NO_BRAKES,
        ...atStore(configPath),
      ];
      const line = `stty rows 24 columns ${columns}; exec ${command.join(" ")}`;
      const terminal = execa(programPath("script"), ["-qec", line, "/dev/null"], {
        env: cleanEnvironment(),
        extendEnv: false,
        reject: false,
        timeout: 60_000,
      });
      let answered = false;
      let shown = "";
      terminal.stdout.on("data", (text: Buffer) => {
        shown += text.toString();
        if (answered || !/\(y\/N/i.test(shown)) return;
        answered = true;
        terminal.stdin.write("n\r");
      });
      const { exitCode } = await terminal;

      const end = shown.slice(0, 2000);
      expect(answered, end).toBe(true);
      expect(exitCode, end).toBe(130);
      expect(await listFiles(rootDirectory)).toEqual(expect.arrayContaining(before));
    },
  );
});

/** Arguments for a store whose state is beside its configuration. */
function atStore(configPath: string): string[] {
  return ["--state-dir", `${configPath}.state`, configPath];
}

interface GoStore {
  rootDirectory: string;
  configPath: string;
  /** Pushed first, its tag now points to `current`. */
  old: PushedImage;
  current: PushedImage;
}

async function goStore(): Promise<GoStore> {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const server = await startGoRegistry({ rootDirectory });
  const client = new RegistryHttp(server.url);
  try {
    const old = await client.pushImage("team/image", "latest", [Buffer.alloc(30_000, 1)]);
    const current = await client.pushImage("team/image", "latest", [Buffer.alloc(20_000, 2)]);
    return { rootDirectory, configPath: `${rootDirectory}.config.yml`, old, current };
  } finally {
    client.close();
    await server.stop();
  }
}

async function runConfigAddress(configPath: string): Promise<string> {
  const { stdout } = await execa("sed", ["-n", "s/^  addr: //p", configPath]);
  return stdout;
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
