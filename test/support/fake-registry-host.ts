import type { BackgroundServer } from "../../src/control/background-server.ts";
import type { Control, ReloadAnswer, ServerStatus } from "../../src/control/protocol.ts";
import type { Service } from "../../src/control/service.ts";
import { RegistryCtlError } from "../../src/errors.ts";
import type { ForeignRegistry, RegistryHost } from "../../src/operations/service/registry-host.ts";

/** A host on which nothing runs, and time passes only when somebody waits. Tests change what is there. */
export class FakeRegistryHost implements RegistryHost {
  service: FakeService | undefined;
  control: FakeControl | undefined;
  foreign: ForeignRegistry[] = [];
  managers = new Map<number, string>();
  probed: Awaited<ReturnType<RegistryHost["probe"]>> = { kind: "nobody" };
  alive = new Set<number>();
  logged: string[] = [];
  clockMs = Date.parse("2026-03-01T12:00:00Z");
  readonly controller = new AbortController();
  /** Called after each wait, with the number of waits. */
  onSleep: (count: number) => void = () => undefined;
  #sleeps = 0;

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  findControl = async (): Promise<Control | undefined> => this.control;
  ofConfig: FakeControl | undefined;
  findOfConfig = async (): Promise<Control | undefined> => this.ofConfig;
  findForeign = async (): Promise<ForeignRegistry[]> => this.foreign;
  managerOf = async (pid: number): Promise<string | undefined> => this.managers.get(pid);
  relaunched: BackgroundServer | undefined;
  relaunchOf = () => {
    const { relaunched } = this;
    return relaunched && (() => relaunched);
  };
  probe = async () => this.probed;
  serviceLog = async (count: number): Promise<string[]> => this.logged.slice(-count);
  isAlive = (pid: number): boolean => this.alive.has(pid);
  sleep = async (ms: number): Promise<void> => {
    this.clockMs += ms;
    this.onSleep(++this.#sleeps);
  };
  nowMs = (): number => this.clockMs;
}

/** A service that remembers what it was asked for. */
export class FakeService implements Service {
  readonly spec = "systemd:r.service";
  readonly asked: string[] = [];
  running: boolean | undefined = false;
  onAsked: (verb: string) => void = () => undefined;

  describe = (): string => "systemd unit r.service";
  start = (): Promise<void> => this.#ask("start", true);
  stop = (): Promise<void> => this.#ask("stop", false);
  restart = (): Promise<void> => this.#ask("restart", true);
  isRunning = async (): Promise<boolean | undefined> => this.running;
  pid = async (): Promise<number | undefined> => (this.running ? 77 : undefined);
  log = async () => ({ kind: "none" as const, reason: "it is a fake" });

  async #ask(verb: string, running: boolean): Promise<void> {
    this.asked.push(verb);
    this.running = running;
    this.onAsked(verb);
  }
}

/** A server that does what it is asked for at once. */
export class FakeControl implements Control {
  readonly asked: string[] = [];
  now: ServerStatus = statusOf();
  changed: Awaited<ReturnType<Control["reload"]>>["changed"] = [];
  fails: Error | undefined;

  status = async (): Promise<ServerStatus> => {
    if (this.fails) throw this.fails;
    return this.now;
  };
  restart = async (): Promise<void> => void this.asked.push("restart");
  stop = async (): Promise<void> => void this.asked.push("stop");
  reload = async (): Promise<ReloadAnswer> => {
    this.asked.push("reload");
    return { changed: this.changed, replaced: false, pending: [] };
  };
  previewReload = async () => {
    if (this.fails) throw this.fails;
    return { changed: this.changed, replaced: false, pending: [] };
  };
  undoReload = this.reload;
  setReadOnly = async () => unexpected();
  holdNames = async () => unexpected();
  flushCaches = async () => unexpected();
  setTag = async () => unexpected();
  setLogLevel = async () => unexpected();
  collect = async () => unexpected();
  followCollection = async () => unexpected();
  stopCollection = async () => unexpected();
}

/** @returns the status of a server that is well, but for what is given */
export function statusOf(more: Partial<ServerStatus> = {}): ServerStatus {
  const startedAt = "2026-03-01T11:00:00.000Z";
  return {
    ...{
      schemaVersion: 1,
      version: "0.1.0",
      build: "b1",
      pid: 12,
      startedAt,
      settingsDigest: "d1",
      configuredAt: startedAt,
    },
    ...{ configFile: "/etc/r.yml", store: "/srv/r", address: "http://127.0.0.1:5000" },
    readOnly: { on: false, byConfiguration: false },
    workers: [
      { pid: 13, state: "listening", startedAt, uploadsInFlight: 1, requestsInFlight: 1 },
      { pid: 14, state: "listening", startedAt, uploadsInFlight: 0, requestsInFlight: 0 },
    ],
    ...{ uploadsInFlight: 1, requestsInFlight: 1, logLevel: "info", problems: [] },
    ...more,
  };
}

function unexpected(): never {
  throw new RegistryCtlError("ERR_TEST", "nobody was expected to ask for this");
}
