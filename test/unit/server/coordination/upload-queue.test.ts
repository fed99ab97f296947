import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  TAKEOVER_AFTER_MS,
  type UploadClaim,
  UploadQueue,
} from "../../../../src/server/coordination/upload-queue.ts";

describe("UploadQueue", () => {
  let queue: UploadQueue;
  let events: string[];

  beforeEach(() => {
    vi.useFakeTimers();
    queue = new UploadQueue();
    events = [];
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  function claim(name: string, uuid = "u", owner = 1): UploadClaim {
    const made: UploadClaim = {
      uuid,
      owner,
      granted: () => events.push(`${name} granted`),
      lost: () => events.push(`${name} lost`),
    };
    queue.claim(made);
    return made;
  }

  it("grants an upload at once to the first, and to the others in turn as each releases", () => {
    const first = claim("first");
    const second = claim("second");
    claim("third");
    claim("other", "v");
    expect(events).toEqual(["first granted", "other granted"]);
    queue.release(first);
    queue.release(first);
    expect(events.slice(2)).toEqual(["second granted"]);
    queue.release(second);
    expect(events.slice(3)).toEqual(["third granted"]);
  });

  it("gives an upload that nobody has to who is in no hurry, and then to who wants it meanwhile", () => {
    const release = queue.holdIfFree("u");
    claim("first");
    vi.advanceTimersByTime(10 * TAKEOVER_AFTER_MS);
    expect(events).toEqual([]);
    expect(queue.holdIfFree("u")).toBeUndefined();
    release?.();
    release?.();
    expect(events).toEqual(["first granted"]);
    expect(queue.holdIfFree("u")).toBeUndefined();
    expect(queue.holdIfFree("v")).toBeTypeOf("function");
  });

  it("forgets one that waits no longer", () => {
    const first = claim("first");
    const second = claim("second");
    claim("third");
    queue.release(second);
    queue.release(first);
    expect(events).toEqual(["first granted", "third granted"]);
  });

  it("tells the holder to stop when somebody has waited long enough, and grants only when it has released", () => {
    const first = claim("first");
    claim("second");
    vi.advanceTimersByTime(TAKEOVER_AFTER_MS - 1);
    expect(events).toEqual(["first granted"]);
    vi.advanceTimersByTime(1);
    expect(events).toEqual(["first granted", "first lost"]);
    vi.advanceTimersByTime(10 * TAKEOVER_AFTER_MS);
    expect(events).toHaveLength(2);
    queue.release(first);
    expect(events.slice(2)).toEqual(["second granted"]);
  });

  it("does not disturb a holder for whose upload nobody waits any more", () => {
    claim("first");
    const second = claim("second");
    queue.release(second);
    vi.advanceTimersByTime(2 * TAKEOVER_AFTER_MS);
    expect(events).toEqual(["first granted"]);
  });

  it("gives the next holder its own time", () => {
    const first = claim("first");
    claim("second");
    claim("third");
    vi.advanceTimersByTime(TAKEOVER_AFTER_MS - 1);
    queue.release(first);
    vi.advanceTimersByTime(TAKEOVER_AFTER_MS - 1);
    expect(events).toEqual(["first granted", "second granted"]);
    vi.advanceTimersByTime(1);
    expect(events.at(-1)).toBe("second lost");
  });

  it("takes everything from a process that has ended, and grants nothing to it", () => {
    claim("dead holder", "u", 1);
    claim("dead waiter", "u", 1);
    claim("living", "u", 2);
    claim("alone", "v", 1);
    queue.releaseOwner(1);
    claim("next", "v", 2);
    expect(events).toEqual(["dead holder granted", "alone granted", "living granted", "next granted"]);
  });

  it("never has two holders of one upload, and never leaves one waiting for nobody", () => {
    const step = fc.record({
      what: fc.constantFrom("claim", "release", "end"),
      uuid: fc.constantFrom("u", "v"),
      owner: fc.integer({ min: 1, max: 3 }),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        queue = new UploadQueue();
        const open: { made: UploadClaim; held: boolean }[] = [];
        const drop = (gone: (entry: { made: UploadClaim }) => boolean) => {
          for (let at = open.length - 1; at >= 0; at--) {
            const entry = open[at];
            if (entry !== undefined && gone(entry)) open.splice(at, 1);
          }
        };
        for (const { what, uuid, owner, which } of steps) {
          const chosen = open[which % Math.max(open.length, 1)];
          if (what === "claim") {
            const entry = { held: false, made: { uuid, owner, granted: () => {}, lost: () => {} } };
            entry.made.granted = () => {
              entry.held = true;
            };
            open.push(entry);
            queue.claim(entry.made);
          } else if (what === "release" && chosen !== undefined) {
            drop((entry) => entry === chosen);
            queue.release(chosen.made);
          } else if (what === "end") {
            drop(({ made }) => made.owner === owner);
            queue.releaseOwner(owner);
          }
          for (const each of ["u", "v"]) {
            const claims = open.filter(({ made }) => made.uuid === each);
            expect(claims.filter(({ held }) => held)).toHaveLength(Math.min(claims.length, 1));
          }
        }
      }),
    );
  });
});
