import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runLive } from "../support/live/run-live.ts";
import { describeWithPrograms } from "../support/programs.ts";

const DURATION_MS = 60_000;

/* `npm run bench -- live` does the same for ten minutes. */
describeWithPrograms(["skopeo", "umoci", "wrk"], "a registry that is worked on from all sides", () => {
  it("loses nothing while clients push and pull and every command works on it", {
    timeout: DURATION_MS + 240_000,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "registry-ctl-live-"));
    try {
      const { failures, counts } = await runLive({ folder, durationMs: DURATION_MS, clients: 8 });
      expect(failures).toEqual([]);
      // Else nothing was tried.
      expect(counts.blobsDeleted).toBeGreaterThan(100);
      expect(counts.broughtBack).toBeGreaterThan(10);
      for (const each of [counts.collections, counts.restarts, counts.reconfigured, counts.readOnlyWindows])
        expect(each).toBeGreaterThan(0);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
