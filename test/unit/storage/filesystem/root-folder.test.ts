import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { FilesystemDriver } from "../../../../src/storage/filesystem/filesystem-driver.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-root-"));
  writeFileSync(join(folder, "file"), "");
});

afterEach(() => rmSync(folder, { recursive: true }));

it.each([
  ["a file", "file", "it is no folder"],
  ["below a file", "file/below", "ENOTDIR"],
])("says that the root folder is %s", (_what, name, reason) => {
  const rootDirectory = join(folder, name);
  const open = () => new FilesystemDriver({ rootDirectory });
  expect(open).toThrow(StorageUnavailableError);
  expect(open).toThrow(`the store ${rootDirectory} cannot be used: ${reason}`);
});
