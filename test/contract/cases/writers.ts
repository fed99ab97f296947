import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { CancelledError, PathNotFoundError } from "../../../src/errors.ts";
import type { FileWriter } from "../../../src/storage/driver.ts";
import { bytes, collect, patternBytes, type StoreUnderTest, text, walkedPaths } from "./store-under-test.ts";

/** openWriter and what it gives. */
export function describeWriters(store: StoreUnderTest): void {
  const exists = async (path: string) =>
    store.driver.stat(path).then(
      () => true,
      (error: unknown) => {
        expect(error).toBeInstanceOf(PathNotFoundError);
        return false;
      },
    );
  const read = async (path: string) => collect(await store.driver.read(path));

  describe("writers that replace", () => {
    it("show nothing before commit, and all of it after", async () => {
      const writer = await store.driver.openWriter("/d/f");
      await writer.write(bytes("one "));
      await writer.write(bytes("two"));
      expect(writer.sizeBytes).toBe(7);
      expect(await exists("/d/f")).toBe(false);
      expect(await walkedPaths(store.driver.walk("/"))).toEqual([]);
      await writer.commit();
      expect((await read("/d/f")).toString()).toBe("one two");
    });

    it("keep the old content until commit", async () => {
      await store.driver.put("/f", bytes("the old content"));
      const writer = await store.driver.openWriter("/f");
      await writer.write(bytes("new"));
      expect(text(await store.driver.get("/f"))).toBe("the old content");
      await writer.commit();
      expect(text(await store.driver.get("/f"))).toBe("new");
    });

    it.each(["cancel", "close"] as const)("leave nothing after %s", async (end) => {
      await store.driver.put("/f", bytes("kept"));
      for (const path of ["/f", "/new/g"]) {
        const writer = await store.driver.openWriter(path);
        await writer.write(patternBytes(300_000));
        await writer[end]();
      }
      expect(text(await store.driver.get("/f"))).toBe("kept");
      expect(await walkedPaths(store.driver.walk("/"))).toEqual(["/f"]);
    });

    it("write an empty file", async () => {
      await (await store.driver.openWriter("/empty")).commit();
      expect((await store.driver.stat("/empty")).sizeBytes).toBe(0);
    });

    it.each([1, 7, 4096, 65_536, 1_000_000])("put chunks of %i bytes together", async (chunkBytes) => {
      const content = patternBytes(chunkBytes === 1 ? 3000 : Math.min(store.largeBytes, chunkBytes * 700));
      const writer = await store.driver.openWriter("/f");
      await writeInChunks(writer, content, chunkBytes);
      await writer.commit();
      expect(Buffer.compare(await read("/f"), content)).toBe(0);
    });

    it("let the caller reuse the buffer of a chunk", async () => {
      const writer = await store.driver.openWriter("/f");
      const chunk = new Uint8Array(100_000);
      for (let value = 1; value <= 10; value++) {
        await writer.write(chunk.fill(value));
      }
      chunk.fill(0);
      await writer.commit();
      const content = await read("/f");
      for (let value = 1; value <= 10; value++) {
        expect(content.subarray((value - 1) * 100_000, value * 100_000).every((byte) => byte === value)).toBe(
          true,
        );
      }
    });

    it("leave nothing when the source fails midway", async () => {
      const source = Readable.from(
        (async function* () {
          yield bytes("first");
          throw new Error("the client went away");
        })(),
      );
      const writer = await store.driver.openWriter("/f");
      await expect(
        (async () => {
          for await (const chunk of source) await writer.write(chunk);
        })(),
      ).rejects.toThrow("the client went away");
      await writer.cancel();
      expect(await exists("/f")).toBe(false);
    });

    it("may be ended again without effect", async () => {
      const committed = await store.driver.openWriter("/f");
      await committed.write(bytes("x"));
      await committed.commit();
      await committed.commit();
      await committed.cancel();
      await committed.close();
      expect(text(await store.driver.get("/f"))).toBe("x");
      const cancelled = await store.driver.openWriter("/g");
      await cancelled.cancel();
      await cancelled.cancel();
      await cancelled.commit();
      expect(await exists("/g")).toBe(false);
    });

    it("stop at an abort and can be cancelled then", async () => {
      const abort = new AbortController();
      const writer = await store.driver.openWriter("/f", { signal: abort.signal });
      await writer.write(bytes("x"));
      abort.abort();
      await expect(writer.write(bytes("y"))).rejects.toThrow(CancelledError);
      await expect(writer.commit()).rejects.toThrow(CancelledError);
      await writer.cancel();
      expect(await exists("/f")).toBe(false);
      await expect(store.driver.openWriter("/f", { signal: abort.signal })).rejects.toThrow(CancelledError);
    });

    it("work side by side on different paths", async () => {
      const contents = Array.from({ length: 10 }, (_, index) => patternBytes(200_000 + index, index + 1));
      await Promise.all(
        contents.map(async (content, index) => {
          const writer = await store.driver.openWriter(`/parallel/${index}`);
          await writeInChunks(writer, content, 10_000);
          await writer.commit();
        }),
      );
      for (const [index, content] of contents.entries()) {
        expect(Buffer.compare(await read(`/parallel/${index}`), content)).toBe(0);
      }
    });
  });

  describe("writers that append", () => {
    it.each([1000, 100_000, 1_000_000])(
      "go on where the last one closed, %i bytes at a time",
      async (pieceBytes) => {
        const content = patternBytes(Math.min(store.largeBytes, pieceBytes * 5));
        for (let at = 0; at < content.length; at += pieceBytes) {
          const writer = await store.driver.openWriter("/u/data", { append: true });
          expect(writer.sizeBytes).toBe(at);
          await writeInChunks(writer, content.subarray(at, at + pieceBytes), 65_536);
          expect(writer.sizeBytes).toBe(Math.min(at + pieceBytes, content.length));
          await writer.close();
        }
        const writer = await store.driver.openWriter("/u/data", { append: true });
        await writer.commit();
        expect(Buffer.compare(await read("/u/data"), content)).toBe(0);
      },
    );

    it("begin at zero bytes, and can be committed empty", async () => {
      const first = await store.driver.openWriter("/u/data", { append: true });
      expect(first.sizeBytes).toBe(0);
      await first.close();
      const second = await store.driver.openWriter("/u/data", { append: true });
      expect(second.sizeBytes).toBe(0);
      await second.commit();
      expect((await store.driver.stat("/u/data")).sizeBytes).toBe(0);
    });

    it("append to a file that a put has made", async () => {
      await store.driver.put("/u/data", bytes("put "));
      const writer = await store.driver.openWriter("/u/data", { append: true });
      expect(writer.sizeBytes).toBe(4);
      await writer.write(bytes("appended"));
      await writer.commit();
      expect((await read("/u/data")).toString()).toBe("put appended");
    });

    it("remove everything at cancel, what earlier writers left included", async () => {
      const first = await store.driver.openWriter("/u/data", { append: true });
      await first.write(bytes("first"));
      await first.close();
      const second = await store.driver.openWriter("/u/data", { append: true });
      await second.write(bytes("second"));
      await second.cancel();
      expect(await exists("/u/data")).toBe(false);
      const third = await store.driver.openWriter("/u/data", { append: true });
      expect(third.sizeBytes).toBe(0);
      await third.cancel();
    });

    it("hand over to a move", async () => {
      const content = patternBytes(store.largeBytes, 3);
      const writer = await store.driver.openWriter("/u/data", { append: true });
      await writeInChunks(writer, content, 65_536);
      await writer.commit();
      await store.driver.move("/u/data", "/blobs/x/data");
      expect(Buffer.compare(await read("/blobs/x/data"), content)).toBe(0);
    });
  });
}

async function writeInChunks(writer: FileWriter, content: Uint8Array, chunkBytes: number): Promise<void> {
  for (let at = 0; at < content.length; at += chunkBytes) {
    await writer.write(content.subarray(at, at + chunkBytes));
  }
}
