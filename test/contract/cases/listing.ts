import { describe, expect, it } from "vitest";
import { PathNotFoundError } from "../../../src/errors.ts";
import { bytes, type StoreUnderTest, walkedPaths } from "./store-under-test.ts";

/** In the byte order of full keys: `-` and `.` sort before `/`, digits behind; U+FFFD before U+1F600. */
const ORDERED = [
  "/Z/f",
  "/a-b/f",
  "/a.b",
  "/a/x",
  "/a/y/z",
  "/a0",
  "/ab",
  "/b",
  "/\u00e9",
  "/\ufffd",
  "/\u{1f600}",
];

/** list and walk. */
export function describeListing(store: StoreUnderTest): void {
  const put = (paths: readonly string[]) =>
    Promise.all(paths.map((path) => store.seed.put(path, bytes(path))));

  describe("listing", () => {
    it("walks all files in the order of full keys", async () => {
      await put([...ORDERED].reverse());
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(ORDERED);
    });

    it("lists the children of a folder in the same order", async () => {
      await put(ORDERED);
      const children = (await store.driver.list("/")).map(
        (child) => child.path + (child.isFolder ? "/" : ""),
      );
      expect(children).toEqual([
        "/Z/",
        "/a-b/",
        "/a.b",
        "/a/",
        "/a0",
        "/ab",
        "/b",
        "/\u00e9",
        "/\ufffd",
        "/\u{1f600}",
      ]);
    });

    it("tells size and kind in a listing", async () => {
      await store.seed.put("/d/file", bytes("12345"));
      await store.seed.put("/d/sub/file", bytes("1"));
      const [file, folder] = await store.driver.list("/d");
      expect(file).toMatchObject({ path: "/d/file", sizeBytes: 5, isFolder: false });
      expect(folder).toMatchObject({ path: "/d/sub", sizeBytes: 0, isFolder: true });
      for await (const walked of store.driver.walk("/d/sub")) {
        expect(walked).toMatchObject({ path: "/d/sub/file", sizeBytes: 1, isFolder: false });
        expect(walked.modifiedMs).toBeGreaterThan(0);
      }
    });

    it("keeps to the folder it is asked for", async () => {
      await put(["/a/x", "/ab/x", "/a-b/x"]);
      expect(await walkedPaths(store.driver.walk("/a"))).toEqual(["/a/x"]);
      expect((await store.driver.list("/a")).map((child) => child.path)).toEqual(["/a/x"]);
    });

    it("lists beyond one page of an object store", async () => {
      const paths = Array.from({ length: 1100 }, (_, index) => `/many/${String(index).padStart(5, "0")}`);
      for (let first = 0; first < paths.length; first += 100) await put(paths.slice(first, first + 100));
      expect((await store.driver.list("/many")).map((child) => child.path)).toEqual(paths);
      expect(await walkedPaths(store.driver.walk("/many"))).toEqual(paths);
    });

    it("lets a walk be left early", async () => {
      await put(ORDERED);
      for await (const file of store.driver.walk("/")) {
        expect(file.path).toBe(ORDERED[0]);
        break;
      }
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(ORDERED);
    });

    it("goes on walking when files come and go", async () => {
      await put(ORDERED);
      const walked: string[] = [];
      for await (const file of store.driver.walk("/")) {
        walked.push(file.path);
        if (file.path === "/a-b/f") await store.seed.delete("/a/y/z");
        if (file.path === "/a/x") await store.seed.put("/A/new", bytes("x"));
      }
      expect(walked.filter((path) => path !== "/a/y/z")).toEqual(ORDERED.filter((path) => path !== "/a/y/z"));
    });

    it("reports a missing folder at the first step of a walk", async () => {
      const walk = store.driver.walk("/missing")[Symbol.asyncIterator]();
      await expect(walk.next()).rejects.toThrow(PathNotFoundError);
    });

    it("does not list a file", async () => {
      await store.seed.put("/f", bytes("x"));
      await expect(store.driver.list("/f")).rejects.toThrow(PathNotFoundError);
      await expect(walkedPaths(store.driver.walk("/f"))).rejects.toThrow(PathNotFoundError);
    });
  });
}
