import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { prepareState } from "../../../src/process/prepare-state.ts";
import { prepareRateFolder, rateFolderIn } from "../../../src/process/rate-folder.ts";
import { bucketSettings } from "../../support/bucket-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("prepareRateFolder", () => {
  it("is the same for a command and for the server, in a state folder that is there", async () => {
    const stateDir = await temporaryFolder();
    const storage = bucketSettings({ maxRequestsPerSecond: 100 });
    const folder = prepareRateFolder(storage, stateDir);
    expect(folder).toBe(rateFolderIn(prepareState(storage, stateDir).folder));
    expect(existsSync(join(folder ?? "", ".."))).toBe(true);
  });

  it("makes nothing where there is no limit", async () => {
    const stateDir = join(await temporaryFolder(), "state");
    expect(prepareRateFolder(bucketSettings(), stateDir)).toBeUndefined();
    expect(prepareRateFolder({ driver: "inmemory" }, stateDir)).toBeUndefined();
    expect(existsSync(stateDir)).toBe(false);
  });
});
