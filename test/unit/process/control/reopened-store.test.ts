import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Settings } from "../../../../src/config/settings.ts";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { ReopenedStore } from "../../../../src/process/control/reopened-store.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-reopened-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function settings(maxThreads: number, rootDirectory = folder): Settings {
  return { ...settingsFor(folder, ""), storage: { driver: "filesystem", rootDirectory, maxThreads } };
}

it("opens the store again only for other settings, and gives it once", async () => {
  const store = new ReopenedStore({ readOnlyStore: false, stateFolder: undefined });
  const [before, after] = [settings(10), settings(20)];
  await store.prepare(before.storage, settings(10));
  expect(store.take(before.storage)).toBeUndefined();
  await store.prepare(before.storage, after);
  const driver = store.take(after.storage);
  await driver?.put("/a", Buffer.from("b"));
  expect(driver?.name).toBe("filesystem");
  expect(store.take(after.storage)).toBeUndefined();
});

it("forgets a store whose settings came to nothing", async () => {
  const store = new ReopenedStore({ readOnlyStore: false, stateFolder: undefined });
  await store.prepare(settings(10).storage, settings(20));
  expect(store.take(settings(10).storage)).toBeUndefined();
});

it("refuses settings with which the store cannot be used", async () => {
  const store = new ReopenedStore({ readOnlyStore: false, stateFolder: undefined });
  writeFileSync(join(folder, "file"), "");
  chmodSync(folder, 0o755);
  const wrong = settings(10, join(folder, "file", "below"));
  await expect(store.prepare(settings(10).storage, wrong)).rejects.toThrow(StorageUnavailableError);
});
