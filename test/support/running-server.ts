import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { openControlClient } from "../../src/control/control-client.ts";
import type { Control } from "../../src/control/protocol.ts";
import { readServerRecords } from "../../src/state/server-record.ts";
import { type ServeOptions, type ServeProcess, startServe } from "./serve-process.ts";

/** A server that can be spoken to. */
export interface RunningServerProcess extends ServeProcess {
  socket: string;
  control: Control;
  /** Folder of the store's state. */
  stateFolder: string;
}

/** Starts a server with one worker, which ends with the test at the latest. */
export async function startRunning(options: ServeOptions): Promise<RunningServerProcess> {
  const isInMemory = options.storage?.includes("inmemory") === true;
  // It has no state folder that would tell where the socket is.
  const named = isInMemory ? join(dirname(options.rootDirectory), "own", "s") : undefined;
  const args = [...(options.args ?? []), ...(named === undefined ? [] : ["--control-socket", named])];
  const server = await startServe({ workers: 1, ...options, args });
  onTestFinished(() => server.kill());
  let stateFolder = "";
  let socket = named;
  if (socket === undefined) {
    // It answers clients a little earlier than commands.
    await expect
      .poll(() => {
        for (const folder of stateFoldersOf(options.rootDirectory)) {
          const own = readServerRecords(folder).find(({ record }) => record.pid === server.pid);
          if (own !== undefined) [stateFolder, socket] = [folder, own.record.socket];
        }
        return socket;
      })
      .toBeDefined();
  }
  const control = openControlClient(socket ?? "");
  await expect
    .poll(
      () =>
        control.status().then(
          ({ pid }) => pid,
          () => undefined,
        ),
      { timeout: 10_000 },
    )
    .toBe(server.pid);
  return { ...server, socket: socket ?? "", control, stateFolder };
}

/** @returns the one folder of a store's state in the state folder of a test's server */
export function stateFolderOf(rootDirectory: string): string {
  const [folder = ""] = stateFoldersOf(rootDirectory);
  return folder;
}

function stateFoldersOf(rootDirectory: string): string[] {
  return readdirSync(`${rootDirectory}.state`).map((name) => join(`${rootDirectory}.state`, name));
}
