import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Control, ReadOnlyRequest, ReadOnlyState } from "../../../../src/control/protocol.ts";
import type { Service } from "../../../../src/control/service.ts";
import { RegistryCtlError } from "../../../../src/errors.ts";
import { holdConfiguration } from "../../../../src/operations/hold/hold-configuration.ts";
import { holdNodes } from "../../../../src/operations/hold/hold-nodes.ts";
import {
  type HoldDependencies,
  type HoldOptions,
  holdRegistry,
} from "../../../../src/operations/hold/hold-registry.ts";
import type { RegistryFacts } from "../../../../src/operations/readonly/registry-facts.ts";
import { Duties } from "../../../../src/state/duties.ts";

const READ_WRITE: RegistryFacts = {
  writes: { kind: "other", answer: "400: it takes writes", takesWrites: true },
  reads: { kind: "works" },
};
const READ_ONLY: RegistryFacts = { writes: { kind: "read-only" }, reads: { kind: "works" } };
const DOWN: RegistryFacts = { writes: { kind: "nobody" }, reads: { kind: "nobody" } };
const DENIED: RegistryFacts = {
  writes: { kind: "other", answer: "401 Unauthorized" },
  reads: { kind: "denied", answer: "401 Unauthorized" },
};
const ORIGINAL = "storage:\n  filesystem: {}\n";
const CHANGED = `${ORIGINAL}  maintenance:\n    readonly:\n      enabled: true\n`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-hold-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface HostOptions {
  /** What is answered, in turn; the last one for ever. */
  facts: RegistryFacts[];
  /** Our server's state; undefined: the registry is none of ours. */
  readOnly?: ReadOnlyState;
  service?: boolean;
  setReadOnly?: (request: ReadOnlyRequest) => unknown;
  endFails?: boolean;
}

function host({ facts, readOnly, service, setReadOnly, endFails }: HostOptions) {
  const done: string[] = [];
  const user = { uid: process.getuid?.() ?? 0, home: folder, env: {} };
  const duties = new Duties({ stateDir: folder, user });
  let file = ORIGINAL;
  const control = {
    status: async () => ({ readOnly }),
    stop: async () => void done.push("control stop"),
    setReadOnly: async (request: ReadOnlyRequest) => {
      done.push(`read-only ${request.on} with ${duties.list().length} duty`);
      return setReadOnly?.(request) ?? { before: readOnly, now: { on: true }, cutOff: 0 };
    },
  } as unknown as Control;
  const started = { args: ["serve"], cwd: "/", stateFolder: folder };
  const runner = {
    spec: "command:x",
    describe: () => "command x",
    isRunning: async () => undefined,
    stop: async () => void done.push(`stop with ${duties.list().length} duty`),
    restart: async () => void done.push("restart"),
  } as Partial<Service> as Service;
  const dependencies: HoldDependencies = {
    server: readOnly && { control, socket: "/s", stateFolders: [], started },
    service: service ? runner : undefined,
    ask: async () => (facts.length > 1 ? facts.shift() : facts[0]) ?? DOWN,
    files: {
      read: () => file,
      replace: async (_, text) => {
        file = text;
        done.push(`write with ${duties.list().length} duty`);
      },
    },
    store: "s",
    place: { config: "/c.yml", cwd: "/", envFrom: [], addresses: [] },
    holder: { host: "h", bootId: "b", pidNamespace: "n", pid: 1 },
    duties,
    watch: async (kept) => ({
      end: async () => {
        done.push("end");
        if (endFails) throw new RegistryCtlError("ERR_X", "no way back");
        duties.remove(kept.file);
      },
      stop: async () => void done.push("stop watching"),
    }),
    nowMs: () => Date.parse("2026-01-02T03:04:05Z"),
  };
  return { dependencies, done, duties, file: () => file };
}

function options(mode: HoldOptions["mode"], signal = new AbortController().signal): HoldOptions {
  return { mode, reason: "gc", by: "root", drainMs: 1000, signal, onNotice: () => undefined, settleMs: 0 };
}

const TAKES_WRITES: ReadOnlyState = { on: false, byConfiguration: false };

describe("holdRegistry", () => {
  it("makes our server read-only, with what undoes it written down first, and gives it back once", async () => {
    const { dependencies, done, duties } = host({ facts: [READ_WRITE], readOnly: TAKES_WRITES });
    const held = await holdRegistry(dependencies, options("read-only"));
    expect(done).toEqual(["read-only true with 1 duty"]);
    expect(duties.list()[0]?.duty).toMatchObject({
      undo: { kind: "server-read-only", before: { on: false } },
    });
    await held.release();
    await held.release();
    expect(done.slice(1)).toEqual(["end"]);
  });

  it("leaves a server alone that is read-only by its configuration", async () => {
    const readOnly = { on: true, byConfiguration: true };
    const { dependencies, done } = host({ facts: [READ_ONLY], readOnly });
    const held = await holdRegistry(dependencies, options("read-only"));
    expect(await held.check()).toEqual({ kind: "read-only" });
    await held.release();
    expect(done).toEqual([]);
  });

  it.each(["read-only", "offline"] as const)("leaves a stopped registry stopped: %s", async (mode) => {
    const { dependencies, done } = host({ facts: [DOWN], service: true });
    const held = await holdRegistry(dependencies, options(mode));
    expect(await held.check()).toEqual({ kind: "nobody" });
    await held.release();
    expect(done).toEqual([]);
  });

  it("changes file and process of another registry, in this order", async () => {
    const { dependencies, done, duties, file } = host({ facts: [READ_WRITE, READ_ONLY], service: true });
    await holdRegistry(dependencies, options("read-only"));
    expect(done).toEqual(["write with 1 duty", "restart"]);
    expect(file()).toBe(CHANGED);
    expect(duties.list()[0]?.duty.undo).toMatchObject({ original: ORIGINAL, wasReadOnly: false });
  });

  it("gives back what it could not prove to be read-only", async () => {
    const { dependencies, done } = host({ facts: [READ_WRITE, READ_WRITE], service: true });
    await expect(holdRegistry(dependencies, options("read-only"))).rejects.toThrow(
      "is not read-only although",
    );
    expect(done.at(-1)).toBe("end");
  });

  it("says so where that fails too", async () => {
    const { dependencies } = host({ facts: [READ_WRITE], service: true, endFails: true });
    const held = holdRegistry(dependencies, options("read-only"));
    await expect(held).rejects.toMatchObject({
      code: "ERR_NOT_RESTORED",
      hint: expect.stringContaining("recover"),
    });
    await expect(held).rejects.toThrow(/is not read-only although.*no way back/s);
  });

  it("changes nothing where nothing could be proved", async () => {
    const { dependencies, done } = host({ facts: [DENIED], service: true });
    await expect(holdRegistry(dependencies, options("read-only"))).rejects.toMatchObject({
      hint: expect.stringContaining("--key"),
    });
    expect(done).toEqual([]);
  });

  it.each(["read-only", "offline"] as const)("wants to know what runs another registry: %s", async (mode) => {
    const { dependencies, done } = host({ facts: [READ_WRITE] });
    await expect(holdRegistry(dependencies, options(mode))).rejects.toMatchObject({
      hint: expect.stringContaining("--service"),
    });
    expect(done).toEqual([]);
  });

  it("stops a registry by its service, ours over its socket where nobody has named one", async () => {
    const foreign = host({ facts: [READ_WRITE, DOWN], service: true });
    await holdRegistry(foreign.dependencies, options("offline"));
    expect(foreign.done).toEqual(["stop with 1 duty"]);
    const ours = host({ facts: [READ_WRITE, DOWN], readOnly: TAKES_WRITES });
    await holdRegistry(ours.dependencies, options("offline"));
    expect(ours.done).toEqual(["control stop"]);
    const undos = ours.duties.list().map(({ duty }) => duty.undo);
    const started = { args: ["serve"], cwd: "/", stateFolder: folder };
    expect(undos).toContainEqual({ kind: "stop", server: started });
  });

  it("gives back a registry that was stopped and answers all the same", async () => {
    const { dependencies, done } = host({ facts: [READ_WRITE], service: true });
    await expect(holdRegistry(dependencies, options("offline"))).rejects.toThrow("still answers");
    expect(done.at(-1)).toBe("end");
  });

  it("gives back at once what it is told to give up while uploads end", async () => {
    const controller = new AbortController();
    const setReadOnly = (): Promise<never> => {
      controller.abort(new Error("Ctrl-C"));
      return new Promise(() => undefined);
    };
    const { dependencies, done } = host({ facts: [READ_WRITE], readOnly: TAKES_WRITES, setReadOnly });
    await expect(holdRegistry(dependencies, options("read-only", controller.signal))).rejects.toThrow(
      "Ctrl-C",
    );
    expect(done.at(-1)).toBe("end");
  });

  it("notices that our server takes writes again", async () => {
    const readOnly = { ...TAKES_WRITES };
    const { dependencies } = host({ facts: [READ_WRITE], readOnly });
    const held = await holdRegistry(dependencies, options("read-only"));
    expect(await held.check()).toMatchObject({
      kind: "other",
      answer: expect.stringContaining("it takes writes"),
    });
    readOnly.on = true;
    expect(await held.check()).toEqual({ kind: "read-only" });
  });
});

describe("holdConfiguration", () => {
  it("can be left as it is, with an end of its own", async () => {
    const { dependencies, done, duties } = host({ facts: [READ_ONLY], service: true });
    const { service } = dependencies;
    if (service === undefined) throw new Error("there is a service");
    const held = await holdConfiguration(dependencies, options("read-only"), { service, facts: READ_WRITE });
    await held.keep(Date.parse("2026-01-02T05:00:00Z"));
    const [lasting, ...others] = duties.list();
    expect(others).toEqual([]);
    expect(lasting?.duty).toMatchObject({
      until: "2026-01-02T05:00:00.000Z",
      undo: { kind: "configuration" },
    });
    expect(lasting?.duty.holder).toBeUndefined();
    await held.release();
    expect(done).toEqual(["write with 1 duty", "restart", "stop watching"]);
  });
});

describe("holdNodes", () => {
  it("withdraws a request only when nobody can make it any more", async () => {
    const controller = new AbortController();
    const { dependencies, done } = host({ facts: [READ_WRITE] });
    const ask = async (_id: string, signal: AbortSignal): Promise<never> => {
      controller.abort(new Error("Ctrl-C"));
      await new Promise((resolve) => setImmediate(resolve));
      done.push("asked");
      throw signal.reason;
    };
    const holding = holdNodes(dependencies, options("read-only", controller.signal), { names: ["n"], ask });
    await expect(holding).rejects.toThrow("Ctrl-C");
    expect(done).toEqual(["asked", "end"]);
  });
});
