import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  ReadOnlyKeeper,
  type ReadOnlyKeeperOptions,
} from "../../../../src/process/control/read-only-timer.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

const START_MS = Date.parse("2026-05-06T07:08:09.000Z");

describe("whether a server is read-only", () => {
  let folder: string;
  let nowMs: number;
  let lines: LoggedLine[];
  let keepers: ReadOnlyKeeper[];
  /** What the processes that serve were told. */
  let told: [on: boolean, drainMs: number][];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-read-only-"));
    nowMs = START_MS;
    lines = [];
    keepers = [];
    told = [];
  });

  afterEach(() => {
    for (const keeper of keepers) keeper.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function keeper(options: Partial<ReadOnlyKeeperOptions> = {}): ReadOnlyKeeper {
    const made = new ReadOnlyKeeper({
      stateFolder: folder,
      byConfiguration: false,
      logger: recordingLogger(lines),
      onEnd: () => {},
      nowMs: () => nowMs,
      ...options,
    });
    keepers.push(made);
    return made;
  }

  const apply = async (on: boolean, drainMs: number): Promise<number> => {
    told.push([on, drainMs]);
    return 2;
  };

  const on = { on: true, reason: "a move", drainMs: 30 };
  const off = { on: false, reason: "done", drainMs: 0 };

  it("changes for all processes, and says what was before", async () => {
    const answer = await keeper().set({ ...on, forMs: 60_000 }, apply);
    expect(answer).toEqual({
      before: { on: false, byConfiguration: false },
      now: {
        on: true,
        byConfiguration: false,
        since: "2026-05-06T07:08:09.000Z",
        until: "2026-05-06T07:09:09.000Z",
        reason: "a move",
      },
      cutOff: 2,
    });
    expect(told).toEqual([[true, 30]]);
  });

  it("outlives the server, until its end", async () => {
    await keeper().set({ ...on, forMs: 60_000 }, apply);
    nowMs += 59_999;
    expect(keeper().state).toMatchObject({ on: true, until: "2026-05-06T07:09:09.000Z", reason: "a move" });
    nowMs += 1;
    expect(keeper().state).toEqual({ on: false, byConfiguration: false });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("ends at its time", async () => {
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const made = keeper({ onEnd: ended, nowMs: Date.now });
    await made.set({ ...on, forMs: 20 }, apply);
    await end;
    await expect.poll(async () => made.endIfOver(apply).then(() => made.state.on)).toBe(false);
    expect(told.at(-1)).toEqual([false, 0]);
    expect(keeper({ nowMs: Date.now }).state.on).toBe(false);
  });

  it("ends although the clock was set back", async () => {
    let ended = (): void => {};
    const end = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const made = keeper({ onEnd: ended });
    await made.set({ ...on, forMs: 20 }, apply);
    nowMs -= 3_600_000;
    await end;
    await made.endIfOver(apply);
    expect(made.state.on).toBe(false);
  });

  it("lasts no longer than was asked for where the clock was set back while no server ran", async () => {
    await keeper().set({ ...on, forMs: 20 }, apply);
    nowMs -= 3_600_000;
    const next = keeper();
    expect(next.state.on).toBe(true);
    await expect.poll(async () => next.endIfOver(apply).then(() => next.state.on)).toBe(false);
  });

  it("ends at its time although writes are still waited for", async () => {
    const made: ReadOnlyKeeper = keeper({ nowMs: Date.now, onEnd: () => void made.endIfOver(apply) });
    const waiting = made.set({ ...on, forMs: 20 }, () => new Promise<number>(() => {}));
    await expect(waiting).rejects.toThrow("writes are taken again");
    await expect.poll(() => made.state.on).toBe(false);
    expect(told).toEqual([[false, 0]]);
  });

  it("can be taken back while writes are still waited for", async () => {
    const made = keeper();
    const waiting = made.set(on, () => new Promise<number>(() => {}));
    const isOver = expect(waiting).rejects.toThrow("writes are taken again");
    made.announce({ ...off, onlyIfReason: "another move" });
    made.announce(on);
    expect(await Promise.race([waiting, Promise.resolve("waits")])).toBe("waits");
    made.announce(off);
    await isOver;
    expect((await made.set(off, apply)).now.on).toBe(false);
    expect(keeper().state.on).toBe(false);
  });

  it.each([
    ["whatever it was", off],
    ["by its reason", { ...off, onlyIfReason: on.reason }],
    ["for an earlier state", { ...on, reason: "an earlier move", onlyIfReason: on.reason }],
  ])("never begins where it was taken back before its turn: %s", async (_, taken) => {
    const made = keeper();
    const others = { ...on, reason: "another move" };
    const request = { ...on };
    for (const each of [request, taken, others]) made.announce(each);
    await expect(made.set(request, apply)).rejects.toThrow("writes are taken again");
    expect(told).toEqual([]);
    expect((await made.set(taken, apply)).now.on).toBe(false);
    expect((await made.set(others, apply)).now.on).toBe(true);
  });

  it("begins in its turn though somebody takes back something else", async () => {
    const made = keeper();
    const request = { ...on };
    made.announce(request);
    made.announce({ ...off, onlyIfReason: "another move" });
    expect((await made.set(request, apply)).now.on).toBe(true);
  });

  it("is not ended before its time", async () => {
    const made = keeper();
    await made.set({ ...on, forMs: 60_000 }, apply);
    nowMs += 30_000;
    await made.endIfOver(apply);
    expect(made.state.on).toBe(true);
    expect(told).toHaveLength(1);
  });

  it("is over for good when somebody takes it back", async () => {
    const made = keeper();
    await made.set(on, apply);
    await made.set(off, apply);
    expect(made.state.on).toBe(false);
    expect(keeper().state.on).toBe(false);
    expect(told).toEqual([
      [true, 30],
      [false, 0],
    ]);
  });

  it("is left alone by who wants to restore what somebody else has changed meanwhile", async () => {
    const made = keeper();
    await made.set(on, apply);
    const answer = await made.set({ ...off, onlyIfReason: "another move" }, apply);
    expect(answer.now.on).toBe(true);
    expect(told).toHaveLength(1);
    expect((await made.set({ ...off, onlyIfReason: on.reason }, apply)).now.on).toBe(false);
  });

  it("stays as the configuration says, whatever is asked for", async () => {
    const made = keeper({ byConfiguration: true });
    const { now } = await made.set(off, apply);
    expect(now).toEqual({ on: true, byConfiguration: true });
    expect(told).toEqual([[true, 0]]);
    await made.configure(false, apply);
    expect(made.state.on).toBe(false);
    expect(told.at(-1)).toEqual([false, 0]);
  });

  it("stays for each of several reasons", async () => {
    const made = keeper();
    await made.set(on, apply);
    await made.hold({ reason: "another node collects", drainMs: 5 }, apply);
    await made.set(off, apply);
    expect(made.state).toMatchObject({ on: true, reason: "another node collects" });
    await made.hold(undefined, apply);
    expect(made.state.on).toBe(false);
    expect(told.map(([isOn]) => isOn)).toEqual([true, true, true, false]);
  });

  it("is kept before anybody relies on it", async () => {
    await keeper().set(on, async () => {
      expect(keeper().state.on).toBe(true);
      return 0;
    });
  });

  it("stays kept where not all processes have followed", async () => {
    const made = keeper();
    await expect(made.set(on, () => Promise.reject(new Error("one does not answer")))).rejects.toThrow(
      "one does",
    );
    expect(made.state.on).toBe(true);
    expect(keeper().state.on).toBe(true);
  });

  it("tells what the store asks of all servers from what this one was asked for", async () => {
    const made = keeper();
    await made.hold({ reason: "for all", drainMs: 0 }, apply);
    expect(made.state).toMatchObject({ on: true, byStore: true, reason: "for all" });
    const { before, now } = await made.set(on, apply);
    expect([before.byStore, now.byStore]).toEqual([true, undefined]);
    await made.set(off, apply);
    expect(made.state).toMatchObject({ on: true, byStore: true });
    await made.hold(undefined, apply);
    expect(made.state.on).toBe(false);
  });

  it("holds without a state folder too, and says that it would be forgotten", async () => {
    const made = keeper({ stateFolder: undefined });
    expect(made.problem).toBeUndefined();
    await made.set(on, apply);
    expect(made.state.on).toBe(true);
    expect(made.problem).toBe("that it is read-only is forgotten when it ends: there is no state folder");
    await made.set(off, apply);
    expect(made.problem).toBeUndefined();
  });

  it("is on where nobody can tell what was kept", () => {
    writeFileSync(join(folder, "read-only.json"), "{");
    expect(keeper().state).toMatchObject({ on: true, byConfiguration: false });
    expect(lines[0]).toMatchObject({ level: "error" });
  });
});
