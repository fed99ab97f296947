import { createHash } from "node:crypto";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RegistryCtlError } from "../../../src/errors.ts";
import type { KeptManifest } from "../../../src/registry/graph/manifest-record-source.ts";
import { InvalidManifestRecordError } from "../../../src/registry/graph/record-bytes.ts";
import { ManifestCacheFile } from "../../../src/state/manifest-cache.ts";
import { readManifestCache } from "../../../src/state/manifest-cache-reader.ts";
import { writeManifestCache } from "../../../src/state/manifest-cache-writer.ts";
import { mountSmallDisk } from "../../support/small-disk.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const UID = process.getuid?.() ?? 0;

/** As text, to be compared and kept beyond the call. */
interface Entry {
  algorithm: number;
  digest: string;
  record: string;
}

function makeRecords(count: number, recordBytes = 40): KeptManifest[] {
  return Array.from({ length: count }, (_, index) => {
    const algorithm = index % 3 === 2 ? 1 : 0;
    const digest = createHash(algorithm === 1 ? "sha512" : "sha256")
      .update(String(index))
      .digest();
    return { algorithm, digest, record: Buffer.alloc(recordBytes + index, index) };
  });
}

function asEntries(records: readonly KeptManifest[]): Entry[] {
  return records.map(({ algorithm, digest, record }) => ({
    algorithm,
    digest: Buffer.from(digest).toString("hex"),
    record: Buffer.from(record).toString("hex"),
  }));
}

async function loaded(path: string, uid = UID): Promise<{ entries: Entry[]; problem: string | undefined }> {
  const entries: Entry[] = [];
  const result = await readManifestCache(path, uid, (algorithm, digest, record) => {
    entries.push({
      algorithm,
      digest: Buffer.from(digest).toString("hex"),
      record: Buffer.from(record).toString("hex"),
    });
  });
  expect(result.entries).toBe(entries.length);
  return { entries, problem: result.problem };
}

async function savedCache(count: number): Promise<{ path: string; entries: Entry[]; bytes: Buffer }> {
  const path = join(await temporaryFolder(), "manifests.cache");
  const records = makeRecords(count);
  expect(await writeManifestCache(path, records)).toEqual({ entries: count, bytes: statSync(path).size });
  return { path, entries: asEntries(records), bytes: readFileSync(path) };
}

/** Writes a file as the cache would be, for its owner alone. */
function writeCache(path: string, content: Uint8Array): void {
  writeFileSync(path, content, { mode: 0o600 });
}

describe("the manifest cache", () => {
  test("gives what was saved, for its owner alone and with nothing beside it", async () => {
    const { path, entries } = await savedCache(10);

    expect(await loaded(path)).toEqual({ entries, problem: undefined });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(path, ".."))).toEqual(["manifests.cache"]);
  });

  test("may hold nothing", async () => {
    const { path } = await savedCache(0);

    expect(await loaded(path)).toEqual({ entries: [], problem: undefined });
  });

  test("is empty where there is no file", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");

    expect(await loaded(path)).toEqual({ entries: [], problem: undefined });
    expect(await loaded(join(path, "deeper"))).toEqual({ entries: [], problem: undefined });
  });

  test("holds exactly the records of the last save", async () => {
    const { path } = await savedCache(5);
    const records = makeRecords(8).slice(4);
    await writeManifestCache(path, records);

    expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
  });

  test("holds records of any length across many reads and writes", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.oneof(
            fc.nat(400),
            fc.integer({ min: 262_144, max: 1_100_000 }),
            fc.integer({ min: 1_048_400, max: 1_048_700 }),
          ),
          { maxLength: 12 },
        ),
        async (lengths) => {
          const records = lengths.map((length, index) => ({
            algorithm: 0 as const,
            digest: createHash("sha256").update(String(index)).digest(),
            record: Buffer.alloc(length, index + 1),
          }));
          const saved = await writeManifestCache(path, records);
          expect(saved).toEqual({ entries: records.length, bytes: statSync(path).size });
          expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
        },
      ),
      { numRuns: 15 },
    );
  });

  test("leaves out records longer than any real one", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");
    const [first, second, third] = makeRecords(3);
    if (!first || !second || !third) throw new Error("three records");
    const long = { ...second, record: new Uint8Array(4 * 1024 * 1024) };

    expect((await writeManifestCache(path, [first, long, third])).entries).toBe(2);
    expect(await loaded(path)).toEqual({ entries: asEntries([first, third]), problem: undefined });
  });

  test("refuses a digest that is not as long as its algorithm's", async () => {
    const { path, entries } = await savedCache(2);
    const wrong = { algorithm: 1 as const, digest: new Uint8Array(32), record: new Uint8Array(20) };

    await expect(writeManifestCache(path, [wrong])).rejects.toThrow(RangeError);
    expect(await loaded(path)).toEqual({ entries, problem: undefined });
  });
});

describe("a cache file as a source of records", () => {
  test("keeps them, and tells its problems to whom they concern", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");
    const problems: string[] = [];
    const cache = new ManifestCacheFile({ path, uid: UID, onProblem: (problem) => problems.push(problem) });
    const digests: string[] = [];
    const add = (_: number, digest: Uint8Array): void => {
      digests.push(Buffer.from(digest).toString("hex"));
    };
    await cache.load(add);
    await cache.save(makeRecords(3));
    await cache.load(add);
    expect(digests).toEqual(asEntries(makeRecords(3)).map(({ digest }) => digest));
    expect(problems).toEqual([]);

    truncateSync(path, 20);
    await cache.load(add);
    unlinkSync(path);
    mkdirSync(path);
    await cache.save(makeRecords(1));
    expect(problems).toEqual([
      `${path} is damaged or cut short at byte 16`,
      expect.stringContaining(`${path} cannot be written: `),
    ]);
    expect(digests).toHaveLength(3);
  });

  test("fails a run that a record surprises, unless the record is to blame", async () => {
    const { path } = await savedCache(2);
    await expect(
      readManifestCache(path, UID, () => {
        throw new RegistryCtlError("ERR_FAULT", "a fault of the program");
      }),
    ).rejects.toThrow("a fault of the program");

    const refused = await readManifestCache(path, UID, () => {
      throw new InvalidManifestRecordError("of no use");
    });
    expect(refused).toEqual({ entries: 0, problem: `${path} is damaged or cut short at byte 16` });
  });
});

describe("a damaged manifest cache", () => {
  test("cut short anywhere gives the entries before the cut, and says so", async () => {
    const { path, entries, bytes } = await savedCache(4);
    for (let length = bytes.length - 1; length >= 0; length--) {
      truncateSync(path, length);
      const { entries: found, problem } = await loaded(path);
      expect(found, `${length} bytes`).toEqual(entries.slice(0, found.length));
      expect(found.length < entries.length || length >= bytes.length - 16).toBe(true);
      expect(problem).toMatch(/cut short/);
    }
  });

  test("with any byte changed gives the entries before it, and says so", async () => {
    const { path, entries, bytes } = await savedCache(4);
    for (let at = 0; at < bytes.length; at++) {
      for (const change of [0x01, 0x80, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ change;
        writeCache(path, damaged);
        const { entries: found, problem } = await loaded(path);
        expect(found, `byte ${at}`).toEqual(entries.slice(0, found.length));
        expect(found.length < entries.length || at >= bytes.length - 16).toBe(true);
        expect(problem).toMatch(`${path} `);
      }
    }
  });

  test("with pieces removed, repeated, exchanged or put in gives only entries that were saved, and says so", async () => {
    const { path, entries, bytes } = await savedCache(4);
    const place = fc.nat(bytes.length);
    await fc.assert(
      fc.asyncProperty(place, place, place, place, fc.uint8Array({ maxLength: 50 }), async (...input) => {
        const places = input.filter((value) => typeof value === "number").sort((one, two) => one - two);
        const [a = 0, b = 0, c = 0, d = 0] = places;
        const noise = input[4];
        const changed = Buffer.concat([
          bytes.subarray(0, a),
          bytes.subarray(c, d),
          noise,
          bytes.subarray(b, c),
          bytes.subarray(d),
        ]);
        fc.pre(!changed.equals(bytes));
        writeCache(path, changed);
        const { entries: found, problem } = await loaded(path);
        for (const entry of found) expect(entries).toContainEqual(entry);
        expect(problem).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });

  test("that lost a whole entry, or has one twice, is not taken for whole", async () => {
    const { path, bytes } = await savedCache(3);
    const second = 16 + 4 + bytes.readUInt32LE(16) + 8;
    const third = second + 4 + bytes.readUInt32LE(second) + 8;
    writeCache(path, Buffer.concat([bytes.subarray(0, second), bytes.subarray(third)]));
    expect((await loaded(path)).problem).toMatch(/is damaged/);

    writeCache(path, Buffer.concat([bytes.subarray(0, third), bytes.subarray(second)]));
    expect((await loaded(path)).problem).toMatch(/is damaged/);
  });

  test("with lengths of gigabytes takes no memory for them", async () => {
    const { path, bytes } = await savedCache(1);
    for (const length of [0xffff_ffff, 0x7fff_ffff, 4 * 1024 * 1024 + 1, 4 * 1024 * 1024]) {
      const damaged = Buffer.from(bytes);
      damaged.writeUInt32LE(length, 16);
      writeCache(path, damaged);
      const before = process.memoryUsage().arrayBuffers;
      expect(await loaded(path)).toEqual({
        entries: [],
        problem: `${path} is damaged or cut short at byte 16`,
      });
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
    }
  });

  test("of another version of the format or of the records is not used", async () => {
    const { path, bytes } = await savedCache(2);
    for (const at of [8, 12]) {
      const other = Buffer.from(bytes);
      other.writeUInt32LE(other.readUInt32LE(at) + 1, at);
      writeCache(path, other);
      expect(await loaded(path)).toEqual({
        entries: [],
        problem: `${path} was written by another version`,
      });
    }
  });

  test("that is another file altogether is not used", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");
    writeCache(path, Buffer.from("version: 0.1\nlog:\n  level: debug\n"));
    expect(await loaded(path)).toEqual({ entries: [], problem: `${path} is no manifest cache` });

    writeCache(path, Buffer.alloc(0));
    expect(await loaded(path)).toEqual({ entries: [], problem: `${path} is cut short` });
  });

  test("can be replaced", async () => {
    const { path, bytes } = await savedCache(2);
    writeCache(path, bytes.subarray(0, 50));
    const records = makeRecords(3);
    await writeManifestCache(path, records);

    expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
  });
});

describe("what stands in the place of the manifest cache", () => {
  test("is not read if it belongs to somebody else", async () => {
    const { path } = await savedCache(2);

    expect(await loaded(path, UID + 1)).toEqual({
      entries: [],
      problem: `${path} belongs to user ${UID}, not to ${UID + 1}`,
    });
  });

  test.runIf(UID === 0)("is not read by root if it belongs to somebody else, and is replaced", async () => {
    const { path } = await savedCache(2);
    chownSync(path, 65_534, 65_534);
    expect(await loaded(path)).toEqual({
      entries: [],
      problem: `${path} belongs to user 65534, not to 0`,
    });

    await writeManifestCache(path, makeRecords(1));
    expect(await loaded(path)).toEqual({ entries: asEntries(makeRecords(1)), problem: undefined });
  });

  test("is not read if others can write it", async () => {
    const { path } = await savedCache(2);
    for (const mode of [0o620, 0o602]) {
      chmodSync(path, mode);
      expect(await loaded(path)).toEqual({ entries: [], problem: `${path} can be written by other users` });
    }
  });

  test("is not read through a symbolic link, and a save replaces the link", async () => {
    const { path, entries } = await savedCache(2);
    const link = join(path, "..", "link.cache");
    symlinkSync(path, link);
    expect((await loaded(link)).problem).toMatch(/cannot be read: ELOOP/);

    await writeManifestCache(link, makeRecords(1));
    expect(await loaded(link)).toEqual({ entries: asEntries(makeRecords(1)), problem: undefined });
    expect(await loaded(path)).toEqual({ entries, problem: undefined });
  });

  test("can be a folder, which stays and stops nothing", async () => {
    const folder = await temporaryFolder();
    const path = join(folder, "manifests.cache");
    mkdirSync(path);
    writeFileSync(join(path, "kept"), "");

    expect(await loaded(path)).toEqual({ entries: [], problem: `${path} is no file` });
    const saved = await writeManifestCache(path, makeRecords(1));
    expect(saved).toMatchObject({ entries: 0, bytes: 0 });
    expect(saved.problem).toMatch(/manifests.cache cannot be written: /);
    expect(readdirSync(folder)).toEqual(["manifests.cache"]);
    expect(existsSync(join(path, "kept"))).toBe(true);
  });

  test("can be missing with its folder", async () => {
    const path = join(await temporaryFolder(), "gone", "manifests.cache");

    expect((await writeManifestCache(path, makeRecords(1))).problem).toMatch(/cannot be written: ENOENT/);
    expect(existsSync(join(path, ".."))).toBe(false);
  });
});

describe("saving the manifest cache", () => {
  test("removes what a killed writer left, and nothing else", async () => {
    const { path } = await savedCache(1);
    const folder = join(path, "..");
    const others = [
      "manifests.cache.0123456789abcdef",
      "manifests.cache.old.tmp",
      "other.0123456789abcdef.tmp",
    ];
    for (const name of others) writeFileSync(join(folder, name), "");
    writeFileSync(join(folder, "manifests.cache.0123456789abcdef.tmp"), "torn");
    await writeManifestCache(path, makeRecords(2));

    expect(readdirSync(folder).sort()).toEqual(["manifests.cache", ...others].sort());
  });

  test("leaves the old file if the records cannot be had to their end", async () => {
    const { path, entries } = await savedCache(2);
    function* failing(): Generator<KeptManifest> {
      yield* makeRecords(1);
      throw new Error("no more");
    }

    await expect(writeManifestCache(path, failing())).rejects.toThrow("no more");
    expect(await loaded(path)).toEqual({ entries, problem: undefined });
    expect(readdirSync(join(path, ".."))).toEqual(["manifests.cache"]);
  });

  test("by several writers at once leaves the whole file of one of them", async () => {
    const path = join(await temporaryFolder(), "manifests.cache");
    const lists = [1, 2, 3, 4].map((count) => makeRecords(count, 300_000));
    const results = await Promise.all(lists.map((records) => writeManifestCache(path, records)));

    const { entries, problem } = await loaded(path);
    expect(problem).toBeUndefined();
    expect(lists.map(asEntries)).toContainEqual(entries);
    expect(results.some((result) => result.problem === undefined)).toBe(true);
    expect(readdirSync(join(path, ".."))).toEqual(["manifests.cache"]);
  });

  test("while another one reads gives the reader the old file or the new one", async () => {
    const { path, entries } = await savedCache(2);
    const records = makeRecords(6, 300_000);
    const [, ...reads] = await Promise.all([
      writeManifestCache(path, records),
      ...Array.from({ length: 8 }, () => loaded(path)),
    ]);

    for (const read of reads) {
      expect(read.problem).toBeUndefined();
      expect([entries, asEntries(records)]).toContainEqual(read.entries);
    }
  });
});

describe("saving the manifest cache on a full disk", () => {
  test("keeps the old file and leaves nothing half-written", async ({ skip }) => {
    const disk = mountSmallDisk("size=256k");
    if (!disk) return skip();
    try {
      const path = join(disk.path, "manifests.cache");
      const records = makeRecords(3);
      await writeManifestCache(path, records);
      const result = await writeManifestCache(path, makeRecords(2, 300_000));

      expect(result).toMatchObject({ entries: 0, bytes: 0 });
      expect(result.problem).toMatch(/manifests.cache cannot be written: ENOSPC/);
      expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
      expect(readdirSync(disk.path)).toEqual(["manifests.cache"]);
    } finally {
      disk.unmount();
    }
  });

  test("has the room that a killed writer's file took", async ({ skip }) => {
    const disk = mountSmallDisk("size=512k");
    if (!disk) return skip();
    try {
      const path = join(disk.path, "manifests.cache");
      writeFileSync(`${path}.0123456789abcdef.tmp`, Buffer.alloc(400_000));
      const records = makeRecords(1, 300_000);

      expect(await writeManifestCache(path, records)).toEqual({ entries: 1, bytes: statSync(path).size });
      expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
    } finally {
      disk.unmount();
    }
  });

  test("without a free inode says so", async ({ skip }) => {
    const disk = mountSmallDisk("size=1m,nr_inodes=3");
    if (!disk) return skip();
    try {
      const path = join(disk.path, "manifests.cache");
      const records = makeRecords(2);
      await writeManifestCache(path, records);
      writeFileSync(join(disk.path, "last"), "");

      expect((await writeManifestCache(path, makeRecords(1))).problem).toMatch(/cannot be written: ENOSPC/);
      expect(await loaded(path)).toEqual({ entries: asEntries(records), problem: undefined });
    } finally {
      disk.unmount();
    }
  });
});
