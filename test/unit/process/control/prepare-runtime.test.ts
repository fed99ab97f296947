import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { prepareRuntime } from "../../../../src/process/control/prepare-runtime.ts";
import { serverName } from "../../../../src/process/control/runtime-folder.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-prepare-"));
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true, force: true });
});

const settings = () => settingsFor(join(folder, "data"), "127.0.0.1:1");

it("makes the folder where the service manager has made room", () => {
  vi.stubEnv("RUNTIME_DIRECTORY", folder);
  const { place } = prepareRuntime(settings(), undefined);
  expect(place?.folder.startsWith(`${folder}/`)).toBe(true);
  expect(lstatSync(place?.folder ?? "").mode & 0o777).toBe(0o700);
});

it("takes the next place where one cannot be used", () => {
  vi.stubEnv("RUNTIME_DIRECTORY", join(folder, "open"));
  vi.stubEnv("XDG_RUNTIME_DIR", folder);
  mkdirSync(join(folder, "open"));
  chmodSync(join(folder, "open"), 0o777);
  const { place } = prepareRuntime(settings(), undefined);
  expect(place?.folder.startsWith(join(folder, "registry-ctl", ""))).toBe(true);
});

it.runIf(process.getuid?.() === 0)(
  "takes a place in the state folder where others took the usual ones",
  () => {
    const uid = 54_321;
    const planted = join("/tmp", `registry-ctl-${uid}`);
    const stateFolder = join(folder, "state");
    const own = join(stateFolder, "run", serverName(settings()));
    mkdirSync(own, { recursive: true });
    chownSync(own, uid, uid);
    for (const name of ["RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"]) vi.stubEnv(name, "");
    vi.spyOn(process, "getuid").mockReturnValue(uid);
    mkdirSync(planted, { mode: 0o700 });
    try {
      chownSync(planted, 1, 1);
      expect(prepareRuntime(settings(), undefined)).toMatchObject({
        place: undefined,
        problem: `${planted} belongs to user 1`,
      });
      const { place } = prepareRuntime(settings(), undefined, stateFolder);
      expect(place).toMatchObject({ folder: own, isOwn: true, socket: join(own, "control.sock") });
      expect(lstatSync(own).mode & 0o777).toBe(0o700);
      const tooLong = join(folder, "long".repeat(20));
      expect(prepareRuntime(settings(), undefined, tooLong).place).toBeUndefined();
    } finally {
      rmdirSync(planted);
    }
  },
);

it("makes the folder that was asked for, and changes none that is there", () => {
  const socket = join(folder, "new", "s");
  expect(prepareRuntime(settings(), socket).place).toMatchObject({ socket, pidFile: `${socket}.pid` });
  expect(lstatSync(join(folder, "new")).mode & 0o777).toBe(0o700);
  chmodSync(join(folder, "new"), 0o755);
  prepareRuntime(settings(), socket);
  expect(lstatSync(join(folder, "new")).mode & 0o777).toBe(0o755);
  expect(existsSync(socket)).toBe(false);
});

it("goes nowhere else where it cannot be where it was asked for", () => {
  chmodSync(folder, 0o777);
  expect(() => prepareRuntime(settings(), join(folder, "s"))).toThrow(RegistryStateError);
});
