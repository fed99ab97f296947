import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import type { StorageSettings } from "../../config/settings.ts";
import { UsageError } from "../../errors.ts";
import { ownerToSwitchTo } from "../machine/switch-user.ts";
import { requireTextfileTarget } from "./textfile-target.ts";
import { writeTextfile } from "./write-textfile.ts";

const MAX_PREVIOUS_BYTES = 65_536;

/** A text file that is written when a run has ended. */
export interface Textfile {
  /** Absolute. */
  readonly path: string;
  /** What stood there before; undefined if nothing did. */
  readonly previous: string | undefined;
  /** Replaces the file; to be called once. @throws {Error} if that is not possible */
  write(content: string): Promise<void>;
  /** Frees everything; nothing is written any more. */
  close(): void;
}

/**
 * Makes ready for writing a text file at the end of a run. To be called before root switches to the user that owns the
 * store: often only root may write to the folder of such files, so a process that stays root does it then.
 *
 * @param ourMark - what every text of ours holds: a file without it, such as a configuration that was named by mistake, is
 *   not replaced
 * @throws {UsageError} if no file can be written there
 */
export function prepareTextfile(storage: StorageSettings, file: string, ourMark: string): Textfile {
  const path = resolve(file);
  requireTextfileTarget(path);
  const previous = readPrevious(path);
  if (previous && !previous.includes(ourMark)) {
    throw new UsageError(`${path} holds something else than metrics of collections`, {
      hint: "give --textfile another path, or remove the file if nobody needs it",
    });
  }
  const switches =
    storage.driver === "filesystem" && ownerToSwitchTo(resolve(storage.rootDirectory)) !== undefined;
  if (switches) return { path, previous, ...startWriter(path) };
  return { path, previous, write: async (content) => writeTextfile(path, content), close: () => undefined };
}

function startWriter(path: string): Pick<Textfile, "write" | "close"> {
  const script = fileURLToPath(new URL("./textfile-writer.js", import.meta.url));
  const child = spawn(process.execPath, [script, path], { cwd: "/", stdio: ["pipe", "pipe", "ignore"] });
  child.unref();
  // A writer that is gone is noticed when there is something to write.
  child.stdin.on("error", () => undefined);
  const ended = once(child, "close");
  ended.catch(() => undefined);
  return {
    async write(content) {
      child.ref();
      const problem = text(child.stdout);
      child.stdin.end(content);
      const [code] = await ended;
      if (code !== 0) throw new Error((await problem) || `the process that writes it ended with ${code}`);
    },
    close: () => void child.stdin.destroy(),
  };
}

/** No link is followed and no pipe waited for. */
function readPrevious(path: string): string | undefined {
  try {
    const file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(file).isFile()) return undefined;
      const buffer = Buffer.alloc(MAX_PREVIOUS_BYTES);
      return buffer.toString("utf8", 0, readSync(file, buffer, 0, buffer.length, 0));
    } finally {
      closeSync(file);
    }
  } catch {
    return undefined;
  }
}
