import { describe, expect, it } from "vitest";
import { InvalidOffsetError, PathNotFoundError } from "../../../src/errors.ts";
import { FileTooLargeError } from "../../../src/storage/errors.ts";
import { bytes, collect, patternBytes, type StoreUnderTest } from "./store-under-test.ts";

/** get, read and stat. */
export function describeReading(store: StoreUnderTest): void {
  describe("reading", () => {
    it("gives back bytes that are not UTF-8", async () => {
      const content = Uint8Array.from({ length: 256 }, (_, value) => value);
      await store.seed.put("/raw", content);
      expect(Buffer.from(await store.driver.get("/raw"))).toEqual(Buffer.from(content));
      expect(await collect(await store.driver.read("/raw"))).toEqual(Buffer.from(content));
    });

    it("gives back an empty file", async () => {
      await store.seed.put("/empty", new Uint8Array());
      expect((await store.driver.get("/empty")).length).toBe(0);
      expect((await collect(await store.driver.read("/empty"))).length).toBe(0);
      expect((await store.driver.stat("/empty")).sizeBytes).toBe(0);
    });

    it("gives back a large file", async () => {
      const content = patternBytes(store.largeBytes);
      await store.seed.put("/large", content);
      expect(Buffer.compare(await collect(await store.driver.read("/large")), content)).toBe(0);
      expect(Buffer.compare(await store.driver.get("/large"), content)).toBe(0);
    });

    it("does not get a file that is larger than asked for", async () => {
      await store.seed.put("/f", bytes("0123456789"));
      await store.seed.put("/empty", new Uint8Array());
      expect(Buffer.from(await store.driver.get("/f", 10)).toString()).toBe("0123456789");
      expect(Buffer.from(await store.driver.get("/f", 11)).toString()).toBe("0123456789");
      expect((await store.driver.get("/empty", 0)).length).toBe(0);
      expect((await store.driver.get("/empty", 10)).length).toBe(0);
      await expect(store.driver.get("/f", 9)).rejects.toThrow(FileTooLargeError);
      await expect(store.driver.get("/f", 0)).rejects.toThrow("has 10 bytes");
      await expect(store.driver.get("/missing", 9)).rejects.toThrow(PathNotFoundError);
    });

    it("reads from an offset at 0, in the middle and at the end", async () => {
      await store.seed.put("/f", bytes("0123456789"));
      for (const offset of [0, 1, 5, 9, 10]) {
        const read = await collect(await store.driver.read("/f", { offset }));
        expect(read.toString()).toBe("0123456789".slice(offset));
      }
    });

    it("reads no more than asked for", async () => {
      await store.seed.put("/f", bytes("0123456789"));
      const read = async (offset: number, lengthBytes: number) =>
        (await collect(await store.driver.read("/f", { offset, lengthBytes }))).toString();
      expect(await read(0, 0)).toBe("");
      expect(await read(0, 3)).toBe("012");
      expect(await read(4, 1)).toBe("4");
      expect(await read(8, 100)).toBe("89");
      expect(await read(10, 100)).toBe("");
    });

    it("reads a range out of the middle of a large file", async () => {
      const content = patternBytes(store.largeBytes, 7);
      await store.seed.put("/large", content);
      const offset = Math.floor(store.largeBytes / 3);
      const lengthBytes = Math.floor(store.largeBytes / 2);
      const read = await collect(await store.driver.read("/large", { offset, lengthBytes }));
      expect(Buffer.compare(read, content.subarray(offset, offset + lengthBytes))).toBe(0);
    });

    it.each([-1, 11, 1.5, Number.NaN])("refuses offset %s of ten bytes", async (offset) => {
      await store.seed.put("/f", bytes("0123456789"));
      await expect(store.driver.read("/f", { offset })).rejects.toThrow(InvalidOffsetError);
    });

    it("stops a stream that is aborted, and one that was aborted before", async () => {
      await store.seed.put("/large", patternBytes(store.largeBytes));
      const abort = new AbortController();
      const stream = await store.driver.read("/large", { signal: abort.signal });
      const reading = (async () => {
        for await (const _ of stream) abort.abort();
      })();
      await expect(reading).rejects.toThrow();
      await expect(store.driver.read("/large", { signal: abort.signal })).rejects.toThrow("cancelled");
    });

    it("lets a stream be left early", async () => {
      await store.seed.put("/large", patternBytes(store.largeBytes));
      const stream = await store.driver.read("/large");
      for await (const _ of stream) break;
      expect(stream.destroyed).toBe(true);
    });

    it("serves many readers at the same time", async () => {
      const contents = Array.from({ length: 20 }, (_, index) => patternBytes(50_000 + index, index + 1));
      await Promise.all(contents.map((content, index) => store.seed.put(`/f/${index}`, content)));
      const read = await Promise.all(
        contents.map(async (_, index) => collect(await store.driver.read(`/f/${index}`))),
      );
      contents.forEach((content, index) => {
        expect(Buffer.compare(read[index] ?? Buffer.alloc(0), content)).toBe(0);
      });
    });

    it("tells size, time and kind", async () => {
      const before = Date.now();
      await store.seed.put("/a/f", bytes("12345"));
      const info = await store.driver.stat("/a/f");
      expect(info).toMatchObject({ path: "/a/f", sizeBytes: 5, isFolder: false });
      expect(Math.abs(info.modifiedMs - before)).toBeLessThan(10 * 60_000);
      expect(await store.driver.stat("/a")).toMatchObject({ path: "/a", sizeBytes: 0, isFolder: true });
    });

    it("names a missing path in the error of every reading method", async () => {
      await store.seed.put("/there/f", bytes("x"));
      for (const path of ["/missing", "/there/missing", "/missing/deep/below", "/ther", "/there/f/below"]) {
        await expect(store.driver.get(path)).rejects.toThrow(PathNotFoundError);
        await expect(store.driver.read(path)).rejects.toThrow(PathNotFoundError);
        await expect(store.driver.stat(path)).rejects.toThrow(PathNotFoundError);
        await expect(store.driver.list(path)).rejects.toThrow(path);
        await expect(store.driver.list(path)).rejects.toThrow(PathNotFoundError);
      }
    });

    it("does not read a folder", async () => {
      await store.seed.put("/folder/f", bytes("x"));
      await expect(store.driver.get("/folder")).rejects.toThrow(PathNotFoundError);
      await expect(store.driver.read("/folder")).rejects.toThrow(PathNotFoundError);
    });

    it("does not give out its own memory", async () => {
      await store.seed.put("/f", bytes("abc"));
      (await store.driver.get("/f")).fill(0);
      expect(Buffer.from(await store.driver.get("/f")).toString()).toBe("abc");
    });
  });
}
