import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Duties } from "../../../src/state/duties.ts";
import type { Duty, Undo } from "../../../src/state/duty.ts";

const uid = process.getuid?.() ?? 0;
let base: string;
let duties: Duties;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "registry-ctl-duties-"));
  duties = new Duties({ stateDir: base, user: { uid, home: base, env: {} } });
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const content: Omit<Duty, "schemaVersion" | "id"> = {
  reason: "garbage-collect --mode offline",
  by: "alice (as root)",
  store: "/srv/registry",
  madeAt: "2026-01-02T03:04:05.678Z",
  holder: { host: "one", bootId: "b", pidNamespace: "n", pid: 12, processStart: "34" },
  until: "2026-01-02T05:04:05.678Z",
  place: {
    ...{
      config: "/etc/config.yml",
      cwd: "/root",
      stateDir: "/s",
      controlSocket: "/run/x",
      envFrom: ["pid:1"],
    },
    addresses: [{ addr: ":5000", net: "tcp", prefix: "/", tls: false }],
  },
  undo: { kind: "stop", service: "systemd:registry.service" },
};

const UNDOS: Undo[] = [
  { kind: "stop", server: { args: ["serve", "config.yml"], cwd: "/root", stateFolder: "/s/1" } },
  { kind: "nodes", request: "1-2-3" },
  {
    ...{ kind: "server-read-only", socket: "/run/x", stateFolders: ["/s/1"], token: "gc (1)" },
    before: { on: true, until: "2026-01-02T05:04:05.678Z", reason: "moving" },
  },
  {
    ...{ kind: "configuration", file: "/etc/config.yml", original: "a: 'b'\n", writtenSha256: "00" },
    ...{ wasReadOnly: false, service: "runit:registry", wasRunning: true },
  },
];

describe("Duties", () => {
  it("keeps what it was given, for its owner alone", () => {
    const { file, duty } = duties.add(content);
    expect(duty).toMatchObject(content);
    expect(duties.list()).toEqual([{ file, duty }]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(duties.folder).mode & 0o777).toBe(0o700);
  });

  it.each(UNDOS)("reads what it has written: $kind", (undo) => {
    const { file, duty } = duties.add({ ...content, undo });
    expect(duties.read(file)).toEqual(duty);
  });

  it("lists the oldest first, and forgets what is done", () => {
    const later = duties.add({ ...content, madeAt: "2026-01-02T03:04:06.000Z" });
    const earlier = duties.add(content);
    expect(duties.list().map(({ file }) => file)).toEqual([earlier.file, later.file]);
    duties.remove(earlier.file);
    duties.remove(earlier.file);
    expect(duties.list().map(({ file }) => file)).toEqual([later.file]);
  });

  it("has none where there is no folder", () => {
    expect(duties.list()).toEqual([]);
    expect(duties.read(join(duties.folder, "x.duty.json"))).toBeUndefined();
  });

  it.each([
    ["that is no JSON", "{"],
    ["of another version", JSON.stringify({ ...content, id: "1", schemaVersion: 2 })],
    [
      "without what is to be undone",
      JSON.stringify({ ...content, id: "1", schemaVersion: 1, undo: { kind: "x" } }),
    ],
    [
      "that stops nothing that could be started",
      JSON.stringify({ ...content, id: "1", schemaVersion: 1, undo: { kind: "stop" } }),
    ],
    ["with half a holder", JSON.stringify({ ...content, id: "1", schemaVersion: 1, holder: { pid: 1 } })],
  ])("tells of a file %s, and leaves it out", (_, text) => {
    mkdirSync(duties.folder, { mode: 0o700 });
    writeFileSync(join(duties.folder, "1.duty.json"), text, { mode: 0o600 });
    const problems: string[] = [];
    expect(duties.list((problem) => problems.push(problem))).toEqual([]);
    expect(problems).toEqual([expect.stringContaining("1.duty.json cannot be understood")]);
  });

  it("takes nothing from a folder that others may write to: it names programs", () => {
    duties.add(content);
    chmodSync(duties.folder, 0o770);
    const problems: string[] = [];
    expect(duties.list((problem) => problems.push(problem))).toEqual([]);
    expect(problems).toEqual([expect.stringContaining("may be written to by others")]);
  });

  it("takes nothing that belongs to another user", () => {
    const { file } = duties.add(content);
    const others = new Duties({ stateDir: base, user: { uid: uid + 1, home: base, env: {} } });
    const problems: string[] = [];
    expect(others.list((problem) => problems.push(problem))).toEqual([]);
    expect(problems).toEqual([expect.stringContaining(`belongs to user ${uid}`)]);
    expect(others.read(file)).toBeUndefined();
  });

  it("takes no file that others may write to", () => {
    const { file } = duties.add(content);
    chmodSync(file, 0o620);
    expect(duties.read(file)).toBeUndefined();
  });

  it("says that nothing was changed where nothing can be written down", () => {
    writeFileSync(duties.folder, "");
    expect(() => duties.add(content)).toThrow(
      expect.objectContaining({ code: "ERR_WRITE", hint: expect.stringContaining("nothing was changed") }),
    );
  });

  it("follows no link", () => {
    const { file } = duties.add(content);
    const link = join(duties.folder, "2.duty.json");
    symlinkSync(file, link);
    expect(duties.read(link)).toBeUndefined();
  });
});
