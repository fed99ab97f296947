import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChildProcesses, type RunningChild } from "./child-processes.ts";

const PROGRAM = fileURLToPath(new URL("./run-purging-server.ts", import.meta.url));
const TSX = import.meta.resolve("tsx");
const OLD = new Date(Date.now() - 8 * 86_400_000);

describe("a server that purges uploads", () => {
  const children = new ChildProcesses();
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-purge-"));
  });

  afterEach(async () => {
    await children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });

  it.each([1, 2])(
    "removes abandoned ones, never one that a client is sending (%i workers)",
    async (workers) => {
      const { child, ended, url, errors } = await start(workers);
      const { uuid: busy, leave } = await beginUpload(url);
      const location = await post(url);
      const abandoned = location.pathname.split("/").at(-1) ?? "";
      const unstarted = randomUUID();
      putOld(busy, "startedat", OLD.toISOString());
      putOld(abandoned, "startedat", OLD.toISOString());
      putOld(unstarted, "data");

      await gone(abandoned);
      await gone(unstarted);
      makeOld(busy, ["data"]);
      // It is looked at in each purge, and each time a worker has it.
      await purges(errors, 2);
      expect(existsSync(pathOf(busy))).toBe(true);
      expect((await fetch(location, { method: "PATCH", body: "x" })).status).toBe(404);
      expect(errors()).toContain("an old upload is purged");
      leave();
      child.kill("SIGTERM");
      expect(await ended).toBe(0);
    },
  );

  it("does not while it is read-only", async () => {
    const abandoned = randomUUID();
    putOld(abandoned, "data");
    const { errors } = await start(1, "read-only");
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(existsSync(pathOf(abandoned))).toBe(true);
    expect(errors()).not.toContain("purge");
  });

  async function start(workers: number, mode = ""): Promise<RunningChild & { url: string }> {
    const args = [join(folder, "data"), String(workers), mode];
    const launched = children.launch(["--import", TSX, PROGRAM, ...args], { cwd: folder });
    return { ...launched, url: await addressOf(launched.errors) };
  }

  function pathOf(uuid: string, file = ""): string {
    return join(folder, "data/docker/registry/v2/repositories/a/_uploads", uuid, file);
  }

  function makeOld(uuid: string, files: string[]): void {
    for (const file of files) utimesSync(pathOf(uuid, file), OLD, OLD);
  }

  function putOld(uuid: string, file: string, content = "x"): void {
    mkdirSync(pathOf(uuid), { recursive: true });
    writeFileSync(pathOf(uuid, file), content);
    makeOld(uuid, [file]);
  }

  const gone = (uuid: string): Promise<void> =>
    expect.poll(() => existsSync(pathOf(uuid)), { timeout: 60_000 }).toBe(false);

  /** Begins an upload, and sends a part of a chunk. Resolves when a worker has taken that. */
  async function beginUpload(url: string): Promise<{ uuid: string; leave: () => void }> {
    const location = await post(url);
    const half = request(location, {
      method: "PATCH",
      headers: { "content-length": "10", expect: "100-continue" },
    });
    half.on("error", () => {});
    half.flushHeaders();
    await once(half, "continue");
    half.write("12345");
    const uuid = location.pathname.split("/").at(-1) ?? "";
    await expect.poll(() => existsSync(pathOf(uuid, "data")), { timeout: 60_000 }).toBe(true);
    return { uuid, leave: () => void half.destroy() };
  }
});

async function addressOf(errors: () => string): Promise<string> {
  const find = (): string | undefined => /listening on (\S+)/.exec(errors())?.[1];
  await expect.poll(find, { timeout: 60_000 }).toBeDefined();
  return find() ?? "";
}

async function post(url: string): Promise<URL> {
  const response = await fetch(`${url}v2/a/blobs/uploads/`, { method: "POST" });
  expect(response.status).toBe(202);
  return new URL(response.headers.get("location") ?? "", url);
}

/** Resolves when so many more purges have ended. */
async function purges(errors: () => string, more: number): Promise<void> {
  const count = (): number => errors().split("uploads were looked through for old ones").length;
  const before = count();
  await expect.poll(count, { timeout: 60_000 }).toBeGreaterThanOrEqual(before + more);
}
