import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { findHeldServer } from "../../src/process/duties/held-server.ts";
import { restoreKeptReadOnly } from "../../src/process/duties/restore-kept.ts";
import type { UndoServerReadOnly } from "../../src/state/duty.ts";
import { readKeptReadOnly } from "../../src/state/read-only-state.ts";
import { chooseStateFolder } from "../../src/state/state-folder.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { type RunningServerProcess, startRunning } from "../support/running-server.ts";
import { folderStorage, nameStore } from "../support/store-change.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const TOKEN = "migrate 7 to s3 (1a2b)";
/** From before the change has begun until it is long over. */
const KILL_AFTER_MS = [0, 20, 60, 120, 200, 300, 450, 600, 800, 1100, 1500];

describe("a server that is killed while it goes to another store", () => {
  it.each(KILL_AFTER_MS)(
    "starts on either one, read-only until the duty ends, %i ms after it was told",
    {
      timeout: 120_000,
    },
    async (killAfterMs) => {
      const folder = await temporaryFolder();
      const [one, other] = [join(folder, "one"), join(folder, "other")];
      const server = await startRunning({ rootDirectory: one, workers: 2 });
      const client = new RegistryHttp(server.url);
      const image = await client.pushImage("app", "v1", [Buffer.from("content")]);
      client.close();
      await cp(one, other, { recursive: true, filter: (path) => !path.includes("lockfiles") });
      const stateOf = (root: string): string =>
        chooseStateFolder({
          ...{ stateDir: `${one}.state`, storeLocation: `filesystem:${root}` },
          user: { uid: process.getuid?.() ?? 0, home: "/", env: {} },
        });
      const undo: UndoServerReadOnly = {
        ...{ kind: "server-read-only", socket: server.socket, stateFolders: [stateOf(one)] },
        ...{ token: TOKEN, before: { on: false } },
      };
      await server.control.setReadOnly({ on: true, reason: TOKEN, drainMs: 1000 });
      nameStore(server.configPath, folderStorage(one), folderStorage(other));
      const reloaded = server.control.reload().then(
        () => true,
        () => false,
      );
      await sleep(killAfterMs);
      process.kill(server.pid, "SIGKILL");
      await server.kill();
      const isTaken = await reloaded;
      // What the file of the next start names: the other store, or the old one again.
      for (const root of [other, one]) {
        const hasBegun = readKeptReadOnly(stateOf(other)) !== undefined;
        const next = await startAgain(one, root);
        try {
          expect((await next.control.status()).store).toBe(root);
          const again = new RegistryHttp(next.url);
          expect((await again.send("GET", `/v2/app/manifests/${image.tag}`)).status).toBe(200);
          const { readOnly } = await next.control.status();
          // Told nothing yet, it had read the old store's configuration only: nobody has asked for anything at the other.
          if (root === one || hasBegun || isTaken)
            expect(readOnly).toMatchObject({ on: true, reason: TOKEN });
          if (readOnly.on) {
            const held = await findHeldServer(undo);
            expect((await held?.status())?.pid).toBe(next.pid);
          }
          again.close();
        } finally {
          await next.kill();
        }
      }
      const isKept = (root: string) => readKeptReadOnly(stateOf(root)) !== undefined;
      expect(isKept(one)).toBe(true);
      expect(restoreKeptReadOnly(undo)).toBe(true);
      expect([isKept(one), isKept(other)]).toEqual([false, false]);
    },
  );
});

/** Starts it with the state folder of the first one. */
async function startAgain(one: string, root: string): Promise<RunningServerProcess> {
  return startRunning({ rootDirectory: one, storage: folderStorage(root), workers: 1 });
}
