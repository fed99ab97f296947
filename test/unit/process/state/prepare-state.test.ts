import { chmod, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { reachableState } from "../../../../src/process/state/prepare-state.ts";
import { describeAsRoot } from "../../../support/programs.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const MODULE = new URL("../../../../src/process/state/prepare-state.ts", import.meta.url).href;
const NOBODY = 65534;

describeAsRoot("the state folder of a user that root becomes", () => {
  it("counts as none, and says why, where a folder above it is closed to that user", async () => {
    const closed = await temporaryFolder();
    const folder = join(closed, "state");
    await mkdir(folder, { mode: 0o777 });
    await chmod(closed, 0o700);
    const script = `
      const { reachableState } = await import(${JSON.stringify(MODULE)});
      process.setuid(${NOBODY});
      console.log(JSON.stringify(reachableState(${JSON.stringify({ folder })})));`;

    const { stdout } = await execa(process.execPath, [
      ...["--import", import.meta.resolve("tsx")],
      ...["--input-type=module", "--eval", script],
    ]);

    expect(JSON.parse(stdout)).toEqual({ problem: expect.stringContaining(`EACCES: permission denied`) });
    expect(reachableState({ folder })).toEqual({ folder });
  });
});
