import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import {
  makeRuntimeFolder,
  placeOfSocket,
  requireTrusted,
  runtimePlaces,
  serverName,
} from "../../../../src/process/control/runtime-folder.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

const isRoot = process.getuid?.() === 0;

describe("the name of a server", () => {
  it("tells stores and addresses apart, and nothing else", () => {
    const names = [
      settingsFor("/a", "127.0.0.1:1"),
      settingsFor("/b", "127.0.0.1:1"),
      settingsFor("/a", "127.0.0.1:2"),
    ].map(serverName);
    expect(new Set(names).size).toBe(3);
    const other = settingsFor("/a", "127.0.0.1:1");
    other.http.secret = "another";
    expect(serverName(other)).toBe(names[0]);
  });

  it("is the same for an address that is left out", () => {
    expect(serverName(settingsFor("/a", ""))).toBe(serverName(settingsFor("/a", "127.0.0.1:5000")));
  });
});

describe("the places of a socket", () => {
  const folders = (uid: number, env: Record<string, string>): string[] =>
    runtimePlaces("n", { uid, env }).map(({ folder }) => folder);

  it("are below the login's folder for a user", () => {
    const env = { XDG_RUNTIME_DIR: "/run/user/7" };
    expect(folders(7, env)).toEqual(["/run/user/7/registry-ctl/n", "/tmp/registry-ctl-7/n"]);
    expect(folders(7, {})).toEqual(["/tmp/registry-ctl-7/n"]);
  });

  it("are never below root's login, which ends before the server", () => {
    const expected = ["/run/registry-ctl/n", "/tmp/registry-ctl-0/n"];
    expect(folders(0, { XDG_RUNTIME_DIR: "/run/user/0" })).toEqual(expected);
    expect(folders(0, {})).toEqual(expected);
  });

  it("are first where the service manager has made room", () => {
    const env = { RUNTIME_DIRECTORY: "/run/registry-ctl:/run/other", XDG_RUNTIME_DIR: "relative" };
    expect(folders(7, env)).toEqual(["/run/registry-ctl/n", "/tmp/registry-ctl-7/n"]);
  });

  it("leave out what is too long for a socket", () => {
    const long = `/${"x".repeat(90)}`;
    expect(folders(7, { XDG_RUNTIME_DIR: long })).toEqual(["/tmp/registry-ctl-7/n"]);
    for (const { socket } of runtimePlaces("0123456789abcdef", { uid: 4_294_967_294, env: {} })) {
      expect(Buffer.byteLength(socket)).toBeLessThan(107);
    }
    expect(() => placeOfSocket(`${long}/1234567890123456`)).toThrow(RegistryStateError);
    expect(placeOfSocket(`${long}/12345678901234`).folder).toBe(long);
  });
});

describe("the folder of a socket", () => {
  let base: string;

  beforeEach(() => {
    base = mkdtempSync(join(tmpdir(), "registry-ctl-runtime-"));
  });

  afterEach(() => rmSync(base, { recursive: true, force: true }));

  const uid = process.getuid?.() ?? 0;
  const place = () => placeOfSocket(join(base, "servers", "n", "control.sock"));
  const modeOf = (path: string): number => lstatSync(path).mode & 0o777;

  it("is for its owner alone", () => {
    makeRuntimeFolder(place(), uid, undefined);
    expect(modeOf(place().folder)).toBe(0o700);
    chmodSync(place().folder, 0o777);
    makeRuntimeFolder(place(), uid, undefined);
    expect(modeOf(place().folder)).toBe(0o700);
  });

  it("is not one that somebody else could put there", () => {
    mkdirSync(join(base, "servers"));
    chmodSync(join(base, "servers"), 0o777);
    expect(() => makeRuntimeFolder(place(), uid, undefined)).toThrow("may be changed by others");
  });

  it("is no link to somewhere else", () => {
    mkdirSync(join(base, "servers"));
    symlinkSync(base, place().folder);
    expect(() => makeRuntimeFolder(place(), uid, undefined)).toThrow("is no folder");
  });

  it.runIf(isRoot)("is given to the registry's user, who must be able to reach it", () => {
    const owner = { uid: 54_321, gid: 54_321 };
    expect(() => makeRuntimeFolder(place(), uid, owner)).toThrow(`user 54321 cannot pass ${base}`);
    chmodSync(base, 0o711);
    makeRuntimeFolder(place(), uid, owner);
    expect(lstatSync(place().folder)).toMatchObject(owner);
    // As after a restart.
    makeRuntimeFolder(place(), uid, owner);
    expect(() => makeRuntimeFolder(place(), uid, { uid: 54_322, gid: 1 })).toThrow("belongs to user 54321");
  });

  it("may be asked for anywhere that is not open to others", () => {
    expect(() => requireTrusted(base, [uid])).not.toThrow();
    expect(() => requireTrusted(base, [uid + 1])).toThrow(`belongs to user ${uid}`);
    // Sticky: nobody can take away what is another's.
    expect(() => requireTrusted("/tmp", [0])).not.toThrow();
  });
});
