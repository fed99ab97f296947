import { chmod, chown, mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { matchesHash } from "../../../src/lib/bcrypt-password.ts";
import { HtpasswdFile } from "../../../src/lib/htpasswd.ts";
import { prepareHtpasswd } from "../../../src/process/prepare-htpasswd.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

describe("prepareHtpasswd", () => {
  it("makes a missing file, and its folder, with one user whose password it tells", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "auth", "htpasswd");
    const made = await prepareHtpasswd(path, false);
    expect(made?.user).toBe("docker");
    expect(made?.password).toMatch(/^[\w-]{43}$/);
    const [entry] = HtpasswdFile.parse(await readFile(path)).entries;
    expect(entry?.name).toBe("docker");
    expect(await matchesHash(Buffer.from(made?.password ?? ""), entry?.hash ?? "")).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, "auth"))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, "auth"))).toEqual(["htpasswd"]);
  });

  it("leaves a file that is there as it is, also an empty one", async () => {
    const path = join(await temporaryFolder(), "htpasswd");
    await writeFile(path, "");
    expect(await prepareHtpasswd(path, false)).toBeUndefined();
    expect(await readFile(path, "utf8")).toBe("");
  });

  it("makes it once when several servers start at the same time", async () => {
    const path = join(await temporaryFolder(), "htpasswd");
    const made = await Promise.all(Array.from({ length: 4 }, () => prepareHtpasswd(path, false)));
    const winners = made.filter((each) => each !== undefined);
    expect(winners).toHaveLength(1);
    const [entry] = HtpasswdFile.parse(await readFile(path)).entries;
    expect(await matchesHash(Buffer.from(winners[0]?.password ?? ""), entry?.hash ?? "")).toBe(true);
  });

  it("says what is wrong where it cannot be made", async () => {
    const file = join(await temporaryFolder(), "file");
    await writeFile(file, "");
    await expect(prepareHtpasswd(join(file, "sub", "htpasswd"), false)).rejects.toMatchObject({
      code: "ERR_CONFIG",
      message: expect.stringMatching(/auth\.htpasswd: .* is missing and cannot be made: E[A-Z]+$/),
    });
  });

  it("makes nothing for a trial run", async () => {
    const folder = join(await temporaryFolder(), "auth");
    await expect(prepareHtpasswd(join(folder, "htpasswd"), true)).rejects.toMatchObject({
      code: "ERR_CONFIG",
    });
    await expect(stat(folder)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it.skipIf(process.getuid?.() !== 0)("gives it to whom the folder belongs [needs root]", async () => {
    const folder = join(await temporaryFolder(), "owned");
    await mkdir(folder);
    await chown(folder, 1234, 2345);
    await chmod(folder, 0o755);
    await prepareHtpasswd(join(folder, "htpasswd"), false);
    const { uid, gid, mode } = await stat(join(folder, "htpasswd"));
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 1234, gid: 2345, mode: 0o600 });
  });
});
