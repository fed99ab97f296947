import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { InvalidPathError, PathNotFoundError } from "../../../src/errors.ts";
import {
  canCopyFrom,
  canScan,
  canSetTimes,
  hasSynchronousFolders,
  tellsSpaceLeft,
} from "../../../src/storage/abilities.ts";
import { compareKeys } from "../../../src/storage/key-order.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { countDriver } from "../../../src/storage/wrappers/count/count-driver.ts";
import { readOnlyDriver } from "../../../src/storage/wrappers/read-only/read-only-driver.ts";
import type { AbilityName } from "./ability-guards.ts";
import { bytes, patternBytes, type StoreUnderTest, scannedPaths, text } from "./store-under-test.ts";

/** In the order of a scan; `a` is a folder between names that sort on either side of its slash. */
const ORDERED = ["/a-b/f", "/a.b", "/a/x", "/a/y/z", "/a/y0", "/a0", "/b", "/\ufffd", "/\u{1f600}"];

/** The abilities that a copy of one store to another makes use of. */
export function describeCopyingAbilities(store: StoreUnderTest): void {
  const caseFor = (ability: AbilityName, title: string, body: () => Promise<void>): void => {
    if (store.abilities.includes(ability)) it(title, body);
  };
  const changingCase: typeof caseFor = (ability, title, body) => {
    if (store.changes) caseFor(ability, title, body);
  };

  describe("abilities for a copy", () => {
    caseFor("Scannable", "scan begins behind a path, whether it is there or not", async () => {
      const { driver } = store;
      if (!canScan(driver)) throw lost("Scannable");
      await Promise.all(ORDERED.map((path) => store.seed.put(path, bytes(path))));
      const places = [...ORDERED, "", "/a", "/a-b", "/a/", "/a/y", "/a/y/a", "/a/y/zz", "/aa", "/\u{1f601}"];
      for (const after of places) {
        const behind = ORDERED.filter((path) => compareKeys(path, after) > 0);
        expect([after, await scannedPaths(driver, "/", { after })]).toEqual([after, behind]);
        const below = behind.filter((path) => path.startsWith("/a/"));
        expect([after, await scannedPaths(driver, "/a", { after })]).toEqual([after, below]);
      }
      expect(await scannedPaths(driver, "/", { after: undefined })).toEqual(ORDERED);
      expect(await scannedPaths(driver, "/missing", { after: "/missing/f" })).toEqual([]);
    });

    caseFor("SynchronousFolders", "scanDownTo begins behind a path, and behind a whole folder", async () => {
      const { driver } = store;
      if (!hasSynchronousFolders(driver)) throw lost("SynchronousFolders");
      for (const path of ["/a/_x/f/g", "/a/_y/f", "/a/z", "/b"]) await store.seed.put(path, bytes(path));
      const whole = ["/a/_x/", "/a/_y/", "/a/z", "/b"];
      const isLeaf = (path: string) => path.includes("/_");
      const scannedBehind = async (after: string): Promise<string[]> => {
        const scanned: string[] = [];
        const unexpected = (failure: unknown) => expect(failure).toBeUndefined();
        for await (const batch of driver.scanDownTo("/", isLeaf, unexpected, { after }))
          scanned.push(...batch.map((file) => file.path));
        return scanned;
      };
      for (const [index, after] of whole.entries()) {
        expect(await scannedBehind(after)).toEqual(whole.slice(index + 1));
      }
      expect(await scannedBehind("/a/_x/f")).toEqual(whole);
    });

    caseFor("Scannable", "scan tells MD5s only if asked, and only right ones", async () => {
      const { driver } = store;
      if (!canScan(driver)) throw lost("Scannable");
      const contents = new Map([
        ["/empty", new Uint8Array()],
        ["/large", patternBytes(store.largeBytes)],
        ["/small", bytes("sha256:0123")],
      ]);
      for (const [path, content] of contents) {
        const writer = await store.seed.openWriter(path, { expectedBytes: content.length });
        await writer.write(content);
        await writer.commit();
      }
      await store.seed.put("/put", bytes("x"));
      contents.set("/put", bytes("x"));
      for await (const batch of driver.scan("/", () => undefined))
        for (const file of batch) expect(file).not.toHaveProperty("contentMd5");
      const told: string[] = [];
      for await (const batch of driver.scan("/", () => undefined, { wantsMd5: true }))
        for (const { path, contentMd5 } of batch) {
          if (contentMd5 === undefined) continue;
          told.push(path);
          const md5 = createHash("md5").update(contents.get(path) ?? "");
          expect(contentMd5).toBe(md5.digest("hex"));
        }
      if (store.abilities.includes("PresignedReads")) expect(told).toEqual(["/empty", "/put", "/small"]);
    });

    changingCase("SettableTimes", "setModified gives a file a time, and nothing else", async () => {
      const { driver } = store;
      if (!canSetTimes(driver)) throw lost("SettableTimes");
      await driver.put("/d/f", bytes("x"));
      for (const modifiedMs of [1_700_000_000_001, 1_234_567_890_123, 1_600_000_000_999, 0]) {
        await driver.setModified("/d/f", modifiedMs);
        const stat = await driver.stat("/d/f");
        expect(stat.sizeBytes).toBe(1);
        expect(stat.modifiedMs).toBeGreaterThanOrEqual(modifiedMs);
        expect(stat.modifiedMs).toBeLessThan(modifiedMs + 0.001);
      }
      expect(text(await driver.get("/d/f"))).toBe("x");
      const before = Date.now() - 60_000;
      await driver.put("/d/f", bytes("y"));
      expect((await driver.stat("/d/f")).modifiedMs).toBeGreaterThan(before);
    });

    changingCase("SettableTimes", "setModified refuses what is no file", async () => {
      const { driver } = store;
      if (!canSetTimes(driver)) throw lost("SettableTimes");
      await driver.put("/d/f", bytes("x"));
      for (const path of ["/missing", "/d", "/d/f/below"])
        await expect(driver.setModified(path, 0)).rejects.toThrow(PathNotFoundError);
      await expect(driver.setModified("/../f", 0)).rejects.toThrow(InvalidPathError);
    });

    caseFor("SpaceLeft", "spaceLeft tells of room that there is", async () => {
      const { driver } = store;
      if (!tellsSpaceLeft(driver)) throw lost("SpaceLeft");
      for (const path of [undefined, "/", "/not/yet/there"]) {
        const { bytes: left, files } = await driver.spaceLeft(path);
        expect(left).toBeGreaterThan(0);
        expect(files ?? 1).toBeGreaterThan(0);
      }
      await expect(driver.spaceLeft("/../d")).rejects.toThrow(InvalidPathError);
    });

    changingCase("CopiesFrom", "copyFrom copies inside the store, also out of wrappers", async () => {
      const { driver } = store;
      if (!canCopyFrom(driver)) throw lost("CopiesFrom");
      const wrapped = readOnlyDriver(countDriver(driver).driver);
      for (const sizeBytes of [0, 71, store.largeBytes]) {
        const content = patternBytes(sizeBytes);
        const writer = await driver.openWriter("/from/ü f", { expectedBytes: sizeBytes });
        await writer.write(content);
        await writer.commit();
        expect(await driver.copyFrom(wrapped, "/from/ü f", "/to/+", sizeBytes)).toBe(true);
        expect(Buffer.compare(await driver.get("/to/+"), content)).toBe(0);
        expect(Buffer.compare(await driver.get("/from/ü f"), content)).toBe(0);
      }
      await expect(driver.copyFrom(wrapped, "/missing", "/to/f", 1)).rejects.toThrow(PathNotFoundError);
      await expect(driver.copyFrom(wrapped, "/../f", "/to/f", 1)).rejects.toThrow(InvalidPathError);
    });

    changingCase("CopiesFrom", "copyFrom does nothing for a store of another kind", async () => {
      const { driver } = store;
      if (!canCopyFrom(driver)) throw lost("CopiesFrom");
      const memory = new MemoryDriver();
      await memory.put("/f", bytes("x"));
      expect(await driver.copyFrom(memory, "/f", "/f", 1)).toBe(false);
      await expect(driver.get("/f")).rejects.toThrow(PathNotFoundError);
    });
  });
}

function lost(ability: AbilityName): Error {
  return new Error(`the driver lost ${ability} in the middle of a test`);
}
