import { chownSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { StorageSettings } from "../../../../src/config/settings.ts";
import type { ReadOnlyState } from "../../../../src/control/protocol.ts";
import { type LeavingServer, requireOtherStore } from "../../../../src/process/seat/require-other-store.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const NOBODY = 65_534;
const READ_ONLY: ReadOnlyState = { on: true, byConfiguration: false, reason: "a test" };

function folder(rootDirectory: string): StorageSettings {
  return { driver: "filesystem", rootDirectory, maxThreads: 1 };
}

async function leaving(changes: Partial<LeavingServer> = {}): Promise<() => void> {
  const to = folder(await temporaryFolder());
  const server = { from: folder("/a"), to, readOnly: READ_ONLY, stateFolder: "/s", isCollecting: false };
  return () => requireOtherStore({ ...server, ...changes });
}

describe("a running server", () => {
  it("may go to another store while it is read-only, by command or by its configuration", async () => {
    expect(await leaving()).not.toThrow();
    expect(await leaving({ readOnly: { on: true, byConfiguration: true } })).not.toThrow();
    expect(await leaving({ to: folder("/not/there") })).not.toThrow();
  });

  it("may not while it takes writes, or only the store that it would leave asks for none", async () => {
    const writable = { on: false, byConfiguration: false };
    expect(await leaving({ readOnly: writable })).toThrow("only while it is read-only");
    expect(await leaving({ readOnly: { ...READ_ONLY, byStore: true } })).toThrow(
      "only while it is read-only",
    );
  });

  it("may not while it collects, nor without a state folder by which it would be found", async () => {
    expect(await leaving({ isCollecting: true })).toThrow("a garbage collection is under way");
    expect(await leaving({ stateFolder: undefined })).toThrow("has no state folder");
  });

  it("may not go to a folder of another user than it runs as", async () => {
    let other = "/";
    if (process.getuid?.() === 0) {
      other = await temporaryFolder();
      chownSync(other, NOBODY, NOBODY);
    }
    expect(await leaving({ to: folder(other) })).toThrow(/belongs to user \d+, and the server runs as user/);
  });
});
