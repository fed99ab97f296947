import { writeFileSync } from "node:fs";
import {
  chmod,
  chown,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { changeUsersFile } from "../../../../src/operations/users/users-file.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

async function usersFile(content: string): Promise<string> {
  const path = join(await temporaryFolder(), "htpasswd");
  await writeFile(path, content);
  return path;
}

/** One that nobody aborts. */
function signal(): AbortSignal {
  return new AbortController().signal;
}

async function add(path: string, name: string) {
  return changeUsersFile(path, (file) => file.withUser(name, "hash"), { signal: signal() });
}

describe("changeUsersFile", () => {
  it("keeps comments, order, odd lines and mode, and leaves nothing beside the file", async () => {
    const path = await usersFile("# people\nbob:1\nodd\n\nalice:2");
    await chmod(path, 0o640);
    expect(await add(path, "bob")).toEqual({ isNew: false, inPlace: false });
    expect(await readFile(path, "utf8")).toBe("# people\nbob:hash\nodd\n\nalice:2");
    expect((await stat(path)).mode & 0o7777).toBe(0o640);
    expect(await readdir(join(path, ".."))).toEqual(["htpasswd"]);
  });

  it("makes a missing file for its owner only", async () => {
    const path = join(await temporaryFolder(), "htpasswd");
    expect(await add(path, "alice")).toEqual({ isNew: true, inPlace: false });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe("alice:hash\n");
  });

  it("follows a link, and leaves it one", async () => {
    const path = await usersFile("alice:1\n");
    const name = join(await temporaryFolder(), "link");
    await symlink(path, name);
    await add(name, "bob");
    expect(await readlink(name)).toBe(path);
    expect(await readFile(path, "utf8")).toBe("alice:1\nbob:hash\n");
  });

  it("loses nothing when many change it at once", async () => {
    const path = await usersFile("# begin\n");
    const names = Array.from({ length: 20 }, (_, index) => `user${index}`);
    await Promise.all(names.map((name) => add(path, name)));
    const lines = (await readFile(path, "utf8")).trimEnd().split("\n");
    expect(lines[0]).toBe("# begin");
    expect(lines.slice(1).sort()).toEqual(names.map((name) => `${name}:hash`).sort());
  });

  it("makes the change anew when a program without the lock has written meanwhile", async () => {
    const path = await usersFile("alice:1\n");
    let calls = 0;
    await changeUsersFile(
      path,
      (file) => {
        calls++;
        if (calls === 1) writeFileSync(path, "alice:1\ncarol:3\n");
        return file.withUser("bob", "2");
      },
      { signal: signal() },
    );
    expect(await readFile(path, "utf8")).toBe("alice:1\ncarol:3\nbob:2\n");
    expect(calls).toBe(2);
  });

  it("leaves the file and no lock when the change is refused", async () => {
    const path = await usersFile("alice:1\n");
    const refuse = (): never => {
      throw new TypeError("no");
    };
    await expect(changeUsersFile(path, refuse, { signal: signal() })).rejects.toThrow("no");
    expect(await readFile(path, "utf8")).toBe("alice:1\n");
    expect(await readdir(join(path, ".."))).toEqual(["htpasswd"]);
  });

  it("breaks a lock that a killed process has left behind", async () => {
    const path = await usersFile("alice:1\n");
    const lock = join(path, "..", ".htpasswd.registry-ctl-lock");
    await writeFile(lock, "");
    const longAgo = new Date(Date.now() - 60_000);
    await utimes(lock, longAgo, longAgo);
    await Promise.all([add(path, "bob"), add(path, "carol")]);
    expect((await readFile(path, "utf8")).split("\n").sort()).toEqual([
      "",
      "alice:1",
      "bob:hash",
      "carol:hash",
    ]);
    expect(await readdir(join(path, ".."))).toEqual(["htpasswd"]);
  });

  it("waits for a lock that is held, until it is told to stop", async () => {
    const path = await usersFile("alice:1\n");
    await writeFile(join(path, "..", ".htpasswd.registry-ctl-lock"), "");
    const stop = new AbortController();
    const change = changeUsersFile(path, (file) => file, { signal: stop.signal });
    setImmediate(() => stop.abort());
    await expect(change).rejects.toMatchObject({ code: "ERR_CANCELLED" });
    expect(await readFile(path, "utf8")).toBe("alice:1\n");
  });

  it("names what stands in the way", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, "htpasswd"));
    await expect(add(join(folder, "htpasswd"), "alice")).rejects.toMatchObject({
      code: "ERR_USERS_FILE",
      message: expect.stringContaining("it is a folder"),
    });
    await expect(add(join(folder, "missing", "htpasswd"), "alice")).rejects.toMatchObject({
      code: "ERR_USERS_FILE",
    });
  });

  it.skipIf(process.getuid?.() !== 0)("keeps the owner [needs root]", async () => {
    const path = await usersFile("alice:1\n");
    await chown(path, 1234, 2345);
    await chmod(path, 0o640);
    await add(path, "bob");
    const { uid, gid, mode } = await stat(path);
    expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 2345, mode: 0o640 });
  });

  it.skipIf(process.getuid?.() !== 0)("gives a new file to whom it is for [needs root]", async () => {
    const path = join(await temporaryFolder(), "htpasswd");
    await changeUsersFile(path, (file) => file.withUser("a", "h"), {
      signal: signal(),
      newOwner: { uid: 1234, gid: 2345 },
    });
    const { uid, gid } = await stat(path);
    expect({ uid, gid }).toEqual({ uid: 1234, gid: 2345 });
  });
});
