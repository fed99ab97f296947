import { describe, expect, it } from "vitest";
import type { Control, ReadOnlyRequest, ReadOnlyState } from "../../../../src/control/protocol.ts";
import type { Service } from "../../../../src/control/service.ts";
import { RegistryCtlError } from "../../../../src/errors.ts";
import { type DutyHands, endDuty } from "../../../../src/operations/hold/end-duty.ts";
import { textDigest } from "../../../../src/operations/readonly/read-only-key.ts";
import type { RegistryFacts } from "../../../../src/operations/readonly/registry-facts.ts";
import type { Duty, Undo } from "../../../../src/state/duty.ts";

const NOW_MS = Date.parse("2026-01-02T03:00:00Z");
const READ_WRITE: RegistryFacts = {
  writes: { kind: "other", answer: "400: it takes writes", takesWrites: true },
  reads: { kind: "works" },
};
const READ_ONLY: RegistryFacts = { writes: { kind: "read-only" }, reads: { kind: "works" } };
const DOWN: RegistryFacts = { writes: { kind: "nobody" }, reads: { kind: "nobody" } };

/** A host on which everything that is done is noted. */
function host(
  options: {
    facts?: RegistryFacts[];
    file?: string;
    readOnly?: ReadOnlyState;
    service?: Partial<Service>;
  } = {},
) {
  const done: string[] = [];
  const requests: ReadOnlyRequest[] = [];
  let file = options.file ?? "";
  const facts = [...(options.facts ?? [READ_WRITE])];
  const service = {
    spec: "command:x",
    describe: () => "command x",
    start: async () => void done.push("start"),
    restart: async () => void done.push("restart"),
    isRunning: async () => true,
    ...options.service,
  } as Partial<Service> as Service;
  const control = options.readOnly && {
    status: async () => ({ readOnly: options.readOnly }),
    setReadOnly: async (request: ReadOnlyRequest) => {
      requests.push(request);
      return { before: options.readOnly };
    },
  };
  const hands: DutyHands = {
    server: async () => control as unknown as Control | undefined,
    restoreKept: () => {
      done.push("restore kept");
      return true;
    },
    openService: () => service,
    startServer: ({ args }) => void done.push(`launch ${args.join(" ")}`),
    withdrawFromNodes: async (_, id) => {
      done.push(`withdraw ${id}`);
      return true;
    },
    ask: async () => (facts.length > 1 ? facts.shift() : facts[0]) ?? DOWN,
    files: {
      read: () => file,
      replace: async (_, text, expected) => {
        expect(expected).toBe(file);
        file = text;
        done.push("write");
      },
    },
    nowMs: () => NOW_MS,
    settleMs: 0,
    steadyMs: 0,
  };
  return { hands, done, requests, file: () => file };
}

function dutyOf(undo: Undo): Duty {
  const place = { cwd: "/", envFrom: [], addresses: [] };
  const madeAt = "2026-01-02T02:00:00Z";
  return { schemaVersion: 1, id: "1", reason: "gc", by: "root", store: "s", madeAt, place, undo };
}

describe("endDuty of a server's read-only state", () => {
  const undo = (before: { on: boolean; until?: string; reason?: string }): Duty =>
    dutyOf({ kind: "server-read-only", socket: "/s", stateFolders: [], token: "gc (1)", before });
  const since = "2026-01-02T02:30:00Z";
  const ours = { on: true, byConfiguration: false, since, reason: "gc (1)" };

  it("has writes taken again, if it is still the state that was set", async () => {
    const { hands, requests } = host({ readOnly: ours });
    await endDuty(undo({ on: false }), hands);
    expect(requests).toEqual([{ on: false, reason: "as before", drainMs: 0, onlyIfReason: "gc (1)" }]);
  });

  it("goes back to a read-only state with the rest of its time", async () => {
    const { hands, requests } = host({ readOnly: ours });
    await endDuty(undo({ on: true, until: "2026-01-02T03:30:00Z", reason: "moving" }), hands);
    expect(requests).toEqual([
      { on: true, reason: "moving", drainMs: 0, forMs: 30 * 60_000, onlyIfReason: "gc (1)" },
    ]);
  });

  it("has writes taken where the earlier state's time is over by now", async () => {
    const { hands, requests } = host({ readOnly: ours });
    await endDuty(undo({ on: true, until: "2026-01-02T02:59:00Z" }), hands);
    expect(requests).toMatchObject([{ on: false }]);
  });

  it.each([
    ["somebody else has made it read-only since", { ...ours, reason: "readonly on by alice" }],
    ["it takes writes already", { on: false, byConfiguration: false }],
  ])("leaves the server alone where %s", async (_, readOnly) => {
    const { hands, requests } = host({ readOnly });
    await endDuty(undo({ on: false }), hands);
    // Its turn may not have come yet.
    expect(requests).toMatchObject([{ on: false, onlyIfReason: "gc (1)" }]);
  });

  it("takes back what a stopped server has kept", async () => {
    const { hands, done } = host();
    expect(await endDuty(undo({ on: false }), hands)).toContain("does not run");
    expect(done).toEqual(["restore kept"]);
  });
});

describe("endDuty of a configuration file", () => {
  const original = "storage:\n  filesystem: {}\n";
  const written = `${original}  maintenance:\n    readonly:\n      enabled: true\n`;
  const undo = (more: { wasReadOnly?: boolean; wasRunning?: boolean } = {}): Duty =>
    dutyOf({
      ...{ kind: "configuration", file: "/c.yml", original, writtenSha256: textDigest(written) },
      ...{ wasReadOnly: false, service: "command:x", wasRunning: true, ...more },
    });

  it("brings the file back and starts the registry with it", async () => {
    const { hands, done, file } = host({ facts: [READ_ONLY, READ_WRITE], file: written });
    expect(await endDuty(undo(), hands)).toContain("takes writes again");
    expect(file()).toBe(original);
    expect(done).toEqual(["write", "restart"]);
  });

  it("does nothing where all is as before: it was killed before the change, or another one has undone it", async () => {
    const { hands, done } = host({ facts: [READ_WRITE], file: original });
    await endDuty(undo(), hands);
    expect(done).toEqual([]);
  });

  it("does not trust the answer of a registry that is just being started or stopped", async () => {
    const service = { isRunning: async () => undefined };
    const { hands, done } = host({ facts: [READ_WRITE], file: original, service });
    await endDuty(undo(), hands);
    expect(done).toEqual(["restart"]);
  });

  it("takes the answer of a registry whose service is gone", async () => {
    const isRunning = () => Promise.reject(new RegistryCtlError("ERR_SERVICE", "no such unit"));
    const { hands, done } = host({ facts: [READ_WRITE], file: original, service: { isRunning } });
    await endDuty(undo(), hands);
    expect(done).toEqual([]);
  });

  it("restarts a registry that is read-only still although the file is as before", async () => {
    const { hands, done } = host({ facts: [READ_ONLY, READ_WRITE], file: original });
    await endDuty(undo(), hands);
    expect(done).toEqual(["restart"]);
  });

  it("keeps what somebody else has changed since, and sets only the key back", async () => {
    const { hands, file } = host({ facts: [READ_ONLY, READ_WRITE], file: `# mine\n${written}` });
    await endDuty(undo(), hands);
    expect(file()).toBe(`# mine\n${written.replace("enabled: true", "enabled: false")}`);
  });

  it("does not start a registry with a file that somebody has broken since", async () => {
    const { hands, done, file } = host({ facts: [READ_ONLY], file: `${written}: : {\n` });
    await expect(endDuty(undo(), hands)).rejects.toMatchObject({ name: "ConfigError" });
    expect(file()).toBe(`${written}: : {\n`);
    expect(done).toEqual([]);
  });

  it("does not start a registry that did not run", async () => {
    const { hands, done, file } = host({ facts: [DOWN], file: written });
    await endDuty(undo({ wasRunning: false }), hands);
    expect(file()).toBe(original);
    expect(done).toEqual(["write"]);
  });

  it.each([
    ["does not answer", DOWN],
    ["is read-only all the same", READ_ONLY],
  ])("fails where the registry %s after its start", async (_, facts) => {
    const { hands } = host({ facts: [READ_ONLY, facts], file: written });
    await expect(endDuty(undo(), hands)).rejects.toMatchObject({
      code: "ERR_REGISTRY_STATE",
      hint: expect.stringContaining("recover"),
    });
  });

  it("takes a registry for restored that answers, but wants to know who asks", async () => {
    const denied: RegistryFacts = {
      writes: { kind: "other", answer: "401 Unauthorized" },
      reads: { kind: "denied", answer: "401 Unauthorized" },
    };
    const { hands, done } = host({ facts: [denied, denied], file: written });
    expect(await endDuty(undo(), hands)).toContain("was started again");
    expect(done).toEqual(["write", "restart"]);
  });
});

describe("endDuty of a stopped registry", () => {
  const server = { args: ["serve", "c.yml"], cwd: "/", stateFolder: "/s" };

  it("starts it by its service", async () => {
    const { hands, done } = host({ facts: [READ_WRITE] });
    await endDuty(dutyOf({ kind: "stop", service: "command:x" }), hands);
    expect(done).toEqual(["start"]);
  });

  it.each([
    ["is content where somebody else has started it", "ERR_SERVICE", READ_WRITE, true],
    ["fails where it cannot be started", "ERR_SERVICE", DOWN, false],
    ["fails where it answers, but is being stopped", "ERR_SERVICE_BUSY", READ_WRITE, false],
  ])("%s", async (_, code, facts, isDone) => {
    const start = () => Promise.reject(new RegistryCtlError(code, "address already in use"));
    const { hands } = host({ facts: [facts], service: { start } });
    const ended = endDuty(dutyOf({ kind: "stop", service: "command:x" }), hands);
    await (isDone
      ? expect(ended).resolves.toContain("runs again")
      : expect(ended).rejects.toMatchObject({ code }));
  });

  it("starts our server as it was started before", async () => {
    const { hands, done } = host({ facts: [DOWN, READ_WRITE] });
    await endDuty(dutyOf({ kind: "stop", server }), hands);
    expect(done).toEqual(["launch serve c.yml"]);
  });

  it("starts our server, though it answers once more on its way down", async () => {
    const { hands, done } = host({ facts: [READ_WRITE, DOWN, READ_WRITE] });
    await endDuty(dutyOf({ kind: "stop", server }), { ...hands, steadyMs: 5_000 });
    expect(done).toEqual(["launch serve c.yml"]);
  });

  it("does not start our server twice", async () => {
    const { hands, done } = host({ facts: [READ_WRITE] });
    await endDuty(dutyOf({ kind: "stop", server }), hands);
    expect(done).toEqual([]);
  });

  it("fails where it does not answer", async () => {
    const { hands } = host({ facts: [DOWN] });
    await expect(endDuty(dutyOf({ kind: "stop", server }), hands)).rejects.toThrow("does not answer");
  });
});

it("endDuty takes back what all servers on a store were asked for", async () => {
  const { hands, done } = host();
  await endDuty(dutyOf({ kind: "nodes", request: "7" }), hands);
  expect(done).toEqual(["withdraw 7"]);
});
