import { describe, expect, it } from "vitest";
import { InvalidPathError } from "../../../src/errors.ts";
import { bytes, type StoreUnderTest, text, walkedPaths } from "./store-under-test.ts";

const INVALID_PATHS = [
  "",
  "a",
  "a/b",
  "//",
  "/a//b",
  "/a/",
  "/.",
  "/..",
  "/a/../b",
  "/a/./b",
  "/a/..",
  "../a",
  "/../../etc/passwd",
  "/a\0b",
  "/\ud800",
];

const VALID_PATHS = [
  "/a",
  "/a/b/c/d/e/f/g/h",
  "/.hidden",
  "/..a",
  "/a..b",
  "/...",
  "/_layers/sha256/x/link",
  "/with space/and:colon+plus",
  "/ünï/日本/😀",
  "/back\\slash",
  "/%2e%2e/x",
];

/** Which paths there are. */
export function describePaths(store: StoreUnderTest): void {
  describe("paths", () => {
    it.each(VALID_PATHS)("keeps a file at %j", async (path) => {
      await store.seed.put(path, bytes(path));
      expect(text(await store.driver.get(path))).toBe(path);
      expect((await store.driver.stat(path)).path).toBe(path);
      expect(await walkedPaths(store.driver.walk("/"))).toEqual([path]);
    });

    it.each(INVALID_PATHS)("refuses %j in every method", async (path) => {
      const { driver } = store;
      await expect(driver.get(path)).rejects.toThrow(InvalidPathError);
      await expect(driver.read(path)).rejects.toThrow(InvalidPathError);
      await expect(driver.stat(path)).rejects.toThrow(InvalidPathError);
      await expect(driver.list(path)).rejects.toThrow(InvalidPathError);
      await expect(walkedPaths(driver.walk(path))).rejects.toThrow(InvalidPathError);
      if (!store.changes) return;
      await expect(driver.put(path, bytes("x"))).rejects.toThrow(InvalidPathError);
      await expect(driver.openWriter(path)).rejects.toThrow(InvalidPathError);
      await expect(driver.openWriter(path, { append: true })).rejects.toThrow(InvalidPathError);
      await expect(driver.move(path, "/b")).rejects.toThrow(InvalidPathError);
      await expect(driver.move("/b", path)).rejects.toThrow(InvalidPathError);
      await expect(driver.delete(path)).rejects.toThrow(InvalidPathError);
    });

    it("refuses the root as a file", async () => {
      await expect(store.driver.get("/")).rejects.toThrow(InvalidPathError);
      if (store.changes) await expect(store.driver.put("/", bytes("x"))).rejects.toThrow(InvalidPathError);
      if (store.changes) await expect(store.driver.delete("/")).rejects.toThrow(InvalidPathError);
    });

    if (!store.folders || !store.changes) return;
    it("refuses a file below a file and a file over a folder", async () => {
      await store.driver.put("/a/file", bytes("x"));
      await expect(store.driver.put("/a/file/below", bytes("y"))).rejects.toThrow(InvalidPathError);
      await expect(store.driver.put("/a", bytes("y"))).rejects.toThrow(InvalidPathError);
      await store.driver.put("/b", bytes("z"));
      await expect(store.driver.move("/b", "/a")).rejects.toThrow(InvalidPathError);
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/a/file", "/b"]);
    });
  });
}
