import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listProcessTree } from "../../support/process-tree.ts";

const PROGRAM = fileURLToPath(new URL("./run-cli.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const KILLS = 20;
const CONCURRENT_PUSHES = 50;
const MAX_BLOB_BYTES = 1_000_000;
const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";

interface Pushed {
  digest: string;
  tag: string;
  manifest: string;
}

describe("a server that is killed while clients push", () => {
  let folder: string;
  let child: ChildProcess | undefined;
  let acknowledged: Pushed[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-kill-"));
    acknowledged = [];
    const storage = `storage: {filesystem: {rootdirectory: ${folder}/data}}\n`;
    writeFileSync(join(folder, "config.yml"), `version: 0.1\n${storage}http: {addr: "127.0.0.1:0"}\n`);
  });

  afterEach(async () => {
    await kill(child);
    rmSync(folder, { recursive: true, force: true });
  });

  it("has every tag that it acknowledged, and no blob with bytes that are not its digest's", async () => {
    let url = await start();
    for (let round = 0; round < KILLS; round++) {
      const pushes = Array.from({ length: CONCURRENT_PUSHES }, (_, index) => push(url, `t${round}-${index}`));
      // Somewhere in the middle of them: after as many as the round says.
      await Promise.race([Promise.all(pushes.slice(0, 1 + round)), Promise.allSettled(pushes)]);
      if (round % 2 === 0) {
        const [victim] = await workersOf(child?.pid ?? 0);
        if (victim === undefined) throw new Error("no worker was left from the round before");
        process.kill(victim, "SIGKILL");
        await Promise.all(pushes);
      } else {
        await kill(child);
        await Promise.all(pushes);
        url = await start();
      }
    }
    expect(acknowledged.length).toBeGreaterThan(KILLS);
    for (const { digest, tag, manifest } of acknowledged) {
      expect(await (await fetch(`${url}v2/r/manifests/${tag}`)).text()).toBe(manifest);
      const blob = await (await fetch(`${url}v2/r/blobs/${digest}`)).arrayBuffer();
      expect(digestOf(Buffer.from(blob))).toBe(digest);
    }
    expect(wrongBlobs()).toEqual([]);
  }, 300_000);

  async function start(): Promise<string> {
    const args = ["--import", TSX, PROGRAM, "serve", "--workers", "2", "--state-dir", join(folder, "state")];
    const started = spawn(process.execPath, [...args, join(folder, "config.yml")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    child = started;
    let errors = "";
    started.stderr.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    for (;;) {
      const url = /listening on (\S+)/.exec(errors)?.[1];
      if (url !== undefined) return url;
      if (started.exitCode !== null) throw new Error(errors);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** A client that does not try again: whatever fails was not acknowledged. */
  async function push(url: string, tag: string): Promise<void> {
    const content = randomBytes(1 + Math.floor(Math.random() * MAX_BLOB_BYTES));
    const digest = digestOf(content);
    const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest, size: content.length };
    const manifest = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST_TYPE, config, layers: [] });
    try {
      const begun = await fetch(`${url}v2/r/blobs/uploads/`, { method: "POST" });
      let location = begun.headers.get("location") ?? "";
      const half = Math.ceil(content.length / 2);
      for (const part of [content.subarray(0, half), content.subarray(half)]) {
        const sent = await fetch(location, { method: "PATCH", body: new Uint8Array(part) });
        location = sent.headers.get("location") ?? "";
      }
      const end = `${location}${location.includes("?") ? "&" : "?"}digest=${digest}`;
      if ((await fetch(end, { method: "PUT" })).status !== 201) return;
      const headers = { "content-type": MANIFEST_TYPE };
      const put = await fetch(`${url}v2/r/manifests/${tag}`, { method: "PUT", headers, body: manifest });
      if (put.status === 201) acknowledged.push({ digest, tag, manifest });
    } catch {
      // The connection was cut.
    }
  }

  function wrongBlobs(): string[] {
    const root = join(folder, "data/docker/registry/v2/blobs/sha256");
    const paths = readdirSync(root).flatMap((two) =>
      readdirSync(join(root, two)).map((hex) => join(root, two, hex)),
    );
    return paths.filter((path) => {
      const data = join(path, "data");
      return existsSync(data) && !path.endsWith(digestOf(readFileSync(data)).slice("sha256:".length));
    });
  }
});

function digestOf(content: Uint8Array): string {
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

async function kill(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}

/** The children that run the program of a worker; the TypeScript loader has a child of its own. */
async function workersOf(pid: number): Promise<number[]> {
  const children = (await listProcessTree(pid)).slice(1);
  return children.filter((child) => commandLineOf(child).includes("/worker."));
}

/** The command line of a process, empty once it has ended. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return "";
  }
}
