import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { parseCertificateBundle } from "../../src/lib/certificate-bundle.ts";
import { describeWithFaults } from "../support/injected-faults.ts";
import { programPath } from "../support/programs.ts";
import { cleanEnvironment } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";
import { SIGNING_CERTIFICATE } from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const PAIR = ["--key", "new.key", "--certificate", "new.crt", "--add-to", "bundle"];

/** Makes a pair and adds it to a bundle, while a system call fails or kills the program. */
async function generateWith(inject: string) {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "bundle"), SIGNING_CERTIFICATE);
  const calls = inject.slice(0, inject.indexOf(":"));
  const trace = ["-f", "-qq", "-o", "/dev/null", "-e", `trace=${calls}`, "-e", `inject=${inject}`];
  const program = [process.execPath, REGISTRY_CTL_PATH, "keys", "generate", ...PAIR];
  const end = await execa(programPath("strace"), [...trace, ...program], {
    cwd: folder,
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    stdin: "ignore",
  });
  const names = await readdir(folder);
  return { folder, end, visible: names.filter((name) => !name.startsWith(".")).sort(), all: names.sort() };
}

describeWithFaults("keys generate on a disk that fails", () => {
  it.each([["fsync:error=EIO:when=2"], ["link:error=EIO:when=3"], ["fsync:error=EIO:when=4"]])(
    "leaves everything as it was: %s",
    { timeout: 60_000 },
    async (inject) => {
      const { folder, end, all } = await generateWith(inject);
      expect(end.exitCode, end.stderr).not.toBe(0);
      expect(all).toEqual(["bundle"]);
      expect(await readFile(join(folder, "bundle"), "utf8")).toBe(SIGNING_CERTIFICATE);
    },
  );

  it.each([
    ["rename:signal=KILL:when=1", ["bundle"]],
    ["link:signal=KILL:when=2", ["bundle"]],
    ["link:signal=KILL:when=3", ["bundle", "new.crt"]],
  ])(
    "leaves no key without its certificate where it is killed: %s",
    { timeout: 60_000 },
    async (inject, left) => {
      const { folder, end, visible } = await generateWith(inject);
      expect(end.signal, end.stderr).toBe("SIGKILL");
      expect(visible).toEqual(left);
      const { certificates } = parseCertificateBundle(await readFile(join(folder, "bundle")));
      expect(certificates.map(({ serialNumber }) => serialNumber)).toContain("04D2");
    },
  );
});
