import { describe, expect, it } from "vitest";
import { PathNotFoundError } from "../../../src/errors.ts";
import { bytes, patternBytes, type StoreUnderTest, text, walkedPaths } from "./store-under-test.ts";

/** put, move and delete. */
export function describeWriting(store: StoreUnderTest): void {
  const content = async (path: string) => text(await store.driver.get(path));

  describe("putting", () => {
    it("replaces a file by shorter, longer and empty content", async () => {
      for (const written of ["a long content", "short", "", "longer than all that was there before"]) {
        await store.driver.put("/f", bytes(written));
        expect(await content("/f")).toBe(written);
      }
    });

    it("takes the bytes as they are when it is called", async () => {
      const given = bytes("abc");
      await store.driver.put("/f", given);
      given.fill(0);
      expect(await content("/f")).toBe("abc");
    });

    it("never shows a reader a mixture or a gap while it replaces", async () => {
      const versions = [1, 2, 3].map((seed) => Buffer.from(patternBytes(100_000, seed)));
      await store.driver.put("/f", versions[0] ?? bytes(""));
      let writing = true;
      const writer = (async () => {
        for (let round = 0; round < 10; round++) {
          for (const version of versions) await store.driver.put("/f", version);
        }
        writing = false;
      })();
      while (writing) {
        const seen = Buffer.from(await store.driver.get("/f"));
        expect(versions.some((version) => version.equals(seen))).toBe(true);
      }
      await writer;
    });

    it("writes many files into one new folder at the same time", async () => {
      const paths = Array.from({ length: 50 }, (_, index) => `/new/folder/${String(index).padStart(2, "0")}`);
      await Promise.all(paths.map((path) => store.driver.put(path, bytes(path))));
      expect(await walkedPaths(store.driver.walk("/new"))).toEqual(paths);
    });
  });

  describe("moving", () => {
    it("renames into a folder that does not exist", async () => {
      await store.driver.put("/from/f", bytes("x"));
      await store.driver.move("/from/f", "/to/deep/g");
      expect(await content("/to/deep/g")).toBe("x");
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/to/deep/g"]);
    });

    it("replaces what is there", async () => {
      await store.driver.put("/a", bytes("new"));
      await store.driver.put("/b", bytes("old and longer"));
      await store.driver.move("/a", "/b");
      expect(await content("/b")).toBe("new");
      await expect(store.driver.get("/a")).rejects.toThrow(PathNotFoundError);
    });

    it("keeps a file that is moved to itself", async () => {
      await store.driver.put("/a", bytes("x"));
      await store.driver.move("/a", "/a");
      expect(await content("/a")).toBe("x");
    });

    it("refuses a missing file and a folder, and leaves the target alone", async () => {
      await store.driver.put("/folder/f", bytes("x"));
      await store.driver.put("/target", bytes("kept"));
      await expect(store.driver.move("/missing", "/target")).rejects.toThrow(PathNotFoundError);
      await expect(store.driver.move("/missing", "/new/folder/f")).rejects.toThrow(PathNotFoundError);
      await expect(store.driver.move("/folder", "/elsewhere")).rejects.toThrow(PathNotFoundError);
      expect(await content("/target")).toBe("kept");
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/folder/f", "/target"]);
    });
  });

  describe("deleting", () => {
    it("keeps /ab and /a/b when deleting around them", async () => {
      await Promise.all(["/a/b", "/a/bc", "/ab"].map((path) => store.driver.put(path, bytes("x"))));
      await store.driver.delete("/a/b");
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/a/bc", "/ab"]);
    });

    it("refuses a folder and removes nothing below it", async () => {
      await store.driver.put("/a/f", bytes("x"));
      await store.driver.put("/ab", bytes("x"));
      await expect(store.driver.delete("/a")).rejects.toThrow(PathNotFoundError);
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/a/f", "/ab"]);
    });

    it("names a missing path", async () => {
      await expect(store.driver.delete("/missing/f")).rejects.toThrow(PathNotFoundError);
      await expect(store.driver.delete("/missing/f")).rejects.toThrow("/missing/f");
    });
  });
}
