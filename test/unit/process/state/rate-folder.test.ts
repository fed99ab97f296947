import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { prepareState } from "../../../../src/process/state/prepare-state.ts";
import { prepareRateFolder, rateFolderIn } from "../../../../src/process/state/rate-folder.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const notices: string[] = [];
const notice = (text: string): void => void notices.push(text);

afterEach(() => void notices.splice(0));

describe("prepareRateFolder", () => {
  it("is the same for a command and for the server, in a state folder that is there", async () => {
    const stateDir = await temporaryFolder();
    const storage = bucketSettings({ maxRequestsPerSecond: 100 });
    const folder = prepareRateFolder(storage, stateDir, notice);
    expect(folder).toBe(rateFolderIn(prepareState(storage, stateDir).folder));
    expect(existsSync(join(folder ?? "", ".."))).toBe(true);
  });

  it("makes nothing where there is no limit", async () => {
    const stateDir = join(await temporaryFolder(), "state");
    expect(prepareRateFolder(bucketSettings(), stateDir, notice)).toBeUndefined();
    expect(prepareRateFolder({ driver: "inmemory" }, stateDir, notice)).toBeUndefined();
    expect(existsSync(stateDir)).toBe(false);
  });

  it("says that a limit is not shared where there is no place for it", async () => {
    const stateDir = join(await temporaryFolder(), "file");
    writeFileSync(stateDir, "");
    const limited = bucketSettings({ maxRequestsPerSecond: 100 });
    expect(prepareRateFolder(limited, stateDir, notice)).toBeUndefined();
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatch(/^maxrequestspersecond is kept by this process alone.*file/);
    expect(prepareRateFolder(bucketSettings(), stateDir, notice)).toBeUndefined();
    expect(notices).toHaveLength(1);
  });
});
