import * as fc from "fast-check";
import { expect } from "vitest";
import { PathNotFoundError, StorageUnavailableError } from "../../../src/errors.ts";
import { canCreateExclusively, canDeleteMany, canScan } from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import { collect, patternBytes } from "../../contract/cases/store-under-test.ts";

const PATHS = ["/a", "/b/1", "/b/2", "/b/2x", "/c d/é+%", "/z/y/x/w"] as const;

const OPERATIONS = [
  ...(["put", "get", "read", "list", "walk", "scan", "write", "cancel"] as const),
  ...(["move", "move", "delete", "deleteMany", "deleteMany", "create"] as const),
];

/** What there is before the first step: most of the paths. */
export const FIRST_FILES: Files = new Map(
  PATHS.slice(1).map((path, index) => [path, Buffer.from(patternBytes(100 + index, 99 + index))]),
);

/** One thing that is done to a store. */
export interface StoreStep {
  operation: (typeof OPERATIONS)[number];
  path: (typeof PATHS)[number];
  /** Where it is moved to. */
  other: (typeof PATHS)[number];
  sizeBytes: number;
  offset: number;
}

/** A few dozen steps on few paths, so that they meet. */
export const storeSteps: fc.Arbitrary<StoreStep[]> = fc.array(
  fc.record({
    operation: fc.constantFrom(...OPERATIONS),
    path: fc.constantFrom(...PATHS),
    other: fc.constantFrom(...PATHS),
    sizeBytes: fc.oneof(fc.constant(0), fc.nat(3000)),
    offset: fc.nat(3000),
  }),
  { minLength: 5, maxLength: 40 },
);

/** What lies at the paths of a store. */
export type Files = ReadonlyMap<string, Buffer>;

/** Does steps to a store and knows what must come of them. */
export class ModelledStore {
  readonly #driver: StorageDriver;
  /** Looks into the store past the driver. */
  readonly #look: () => Files;
  #expected: Files;
  #steps = 0;

  constructor(driver: StorageDriver, look: () => Files) {
    this.#driver = driver;
    this.#look = look;
    this.#expected = look();
  }

  /**
   * Does a step, and holds the result and everything in the store against what is known of it.
   *
   * @param mayFail - the store may be unavailable; then each file is as before the step or as after it, and a moved one
   *   is at one of its two places at least
   */
  async step(step: StoreStep, mayFail: boolean): Promise<void> {
    this.#steps += 1;
    const content = Buffer.from(patternBytes(step.sizeBytes, this.#steps));
    const possible = outcomes(step, this.#expected, content);
    try {
      await this.#perform(step, content);
    } catch (error) {
      if (!mayFail || !(error instanceof StorageUnavailableError)) throw error;
      const now = this.#look();
      expect(possible.map(describeFiles), JSON.stringify(step)).toContainEqual(describeFiles(now));
      this.#expected = new Map(now);
      return;
    }
    const after = possible.at(-1) ?? this.#expected;
    expect(describeFiles(this.#look()), JSON.stringify(step)).toEqual(describeFiles(after));
    this.#expected = after;
  }

  async #perform(step: StoreStep, content: Buffer): Promise<void> {
    const driver = this.#driver;
    const { operation, path, other, offset } = step;
    const before = this.#expected.get(path);
    switch (operation) {
      case "put":
        return driver.put(path, content);
      case "get":
        return expectRead(() => driver.get(path), before);
      case "read": {
        const from = Math.min(offset, before?.length ?? 0);
        return expectRead(
          async () => collect(await driver.read(path, { offset: from })),
          before?.subarray(from),
        );
      }
      case "list":
        return this.#expectList();
      case "walk":
        return expect(await walked(driver)).toEqual(sizes(this.#expected));
      case "scan":
        return expect(await scanned(driver)).toEqual(sizes(this.#expected));
      case "move":
        return expectMissing(before === undefined, () => driver.move(path, other));
      case "delete":
        return expectMissing(before === undefined, () => driver.delete(path));
      case "deleteMany":
        return deleteAll(driver, [path, other]);
      case "create":
        if (!canCreateExclusively(driver)) return undefined;
        return expect(await driver.putIfAbsent(path, content)).toBe(before === undefined);
      default:
        return write(driver, path, content, operation === "write");
    }
  }

  async #expectList(): Promise<void> {
    const inFolder = [...this.#expected.keys()].filter((path) => path.startsWith("/b/")).sort();
    await expectMissing(inFolder.length === 0, async () => {
      expect((await this.#driver.list("/b")).map(({ path }) => path)).toEqual(inFolder);
    });
  }
}

/** All states that a step may leave if it fails; the last is that of success. */
function outcomes({ operation, path, other }: StoreStep, before: Files, content: Buffer): Files[] {
  const moved = before.get(path);
  switch (operation) {
    case "put":
    case "write":
      return [before, changed(before, [[path, content]])];
    case "create":
      return before.has(path) ? [before] : [before, changed(before, [[path, content]])];
    case "delete":
      return [before, changed(before, [[path, undefined]])];
    case "deleteMany": {
      const [one, two] = [[path, undefined] as const, [other, undefined] as const];
      return [before, changed(before, [one]), changed(before, [two]), changed(before, [one, two])];
    }
    case "move": {
      if (moved === undefined || path === other) return [before];
      const copied = changed(before, [[other, moved]]);
      return [before, copied, changed(copied, [[path, undefined]])];
    }
    default:
      return [before];
  }
}

function changed(files: Files, changes: readonly (readonly [string, Buffer | undefined])[]): Files {
  const after = new Map(files);
  for (const [path, content] of changes) {
    if (content === undefined) after.delete(path);
    else after.set(path, content);
  }
  return after;
}

function describeFiles(files: Files): string[] {
  return [...files]
    .map(([path, content]) => `${path} ${content.length} ${content.toString("base64", 0, 30)}`)
    .sort();
}

function sizes(files: Files): [string, number][] {
  return [...files].map(([path, content]): [string, number] => [path, content.length]).sort();
}

async function walked(driver: StorageDriver): Promise<[string, number][]> {
  const found: [string, number][] = [];
  for await (const { path, sizeBytes } of driver.walk("/")) found.push([path, sizeBytes]);
  return found;
}

async function scanned(driver: StorageDriver): Promise<[string, number][]> {
  if (!canScan(driver)) return walked(driver);
  const found: [string, number][] = [];
  let failure: unknown;
  const batches = driver.scan("/", ({ error }) => {
    failure = error;
  });
  for await (const batch of batches)
    for (const { path, sizeBytes } of batch) found.push([path, sizeBytes ?? Number.NaN]);
  if (failure !== undefined) throw failure;
  return found;
}

async function expectRead(read: () => Promise<Uint8Array>, expected: Uint8Array | undefined): Promise<void> {
  if (expected === undefined) await expectMissing(true, read);
  else expect(Buffer.compare(await read(), expected)).toBe(0);
}

async function expectMissing(isMissing: boolean, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    if (isMissing && error instanceof PathNotFoundError) return;
    throw error;
  }
  expect(isMissing).toBe(false);
}

/** Single keys may fail whatever the driver does; who asks again gets rid of them. */
async function deleteAll(driver: StorageDriver, paths: readonly string[]): Promise<void> {
  if (!canDeleteMany(driver)) throw new Error("the driver cannot delete many");
  let left: readonly string[] = [...new Set(paths)];
  let error: unknown;
  for (let round = 0; round < 5 && left.length > 0; round++) {
    const failures = await driver.deleteMany(left);
    left = failures.map(({ path }) => path);
    error = failures[0]?.error;
  }
  if (left.length > 0) throw error;
}

async function write(driver: StorageDriver, path: string, content: Buffer, commits: boolean): Promise<void> {
  const writer = await driver.openWriter(path);
  try {
    for (let at = 0; at < content.length; at += 1000) await writer.write(content.subarray(at, at + 1000));
    await (commits ? writer.commit() : writer.cancel());
  } catch (error) {
    await writer.cancel().catch(() => undefined);
    throw error;
  }
}
