import { accessSync, constants, readFileSync, readlinkSync } from "node:fs";
import { basename, delimiter, isAbsolute, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LogSource, Service } from "../../control/service.ts";
import { RegistryCtlError } from "../../errors.ts";
import { type ProgramEnd, type ProgramOptions, runProgram, serviceError } from "./run-program.ts";

/** Where runit looks for services on Debian, in GitLab's packages, and where it did in former times. */
const SERVICE_FOLDERS = ["/etc/service", "/opt/gitlab/service", "/service", "/var/service"];
/** GitLab's packages bring their own. */
const SV_PROGRAMS = ["/opt/gitlab/embedded/bin/sv", "/usr/bin/sv", "/bin/sv", "/usr/sbin/sv", "/sbin/sv"];
const RESTART_POLL_MS = 100;
/** So often in a row a new process is seen that stays. */
const STEADY_POLLS = 3;

/** A service of runit, driven by sv. */
export class RunitService implements Service {
  readonly #name: string;
  readonly #options: ProgramOptions;

  /** @param name - of the service, or its absolute folder */
  constructor(name: string, options: ProgramOptions) {
    this.#name = name;
    this.#options = options;
  }

  get spec(): string {
    return `runit:${this.#name}`;
  }

  describe(): string {
    return `runit service ${this.#name}`;
  }

  async start(): Promise<void> {
    await this.#ask("start");
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async restart(): Promise<void> {
    const deadline = Date.now() + this.#options.timeoutMs;
    const before = await this.pid();
    await this.#ask("restart");
    await this.#waitForAnother(before, deadline);
    // Its check script may have been asked of the old process.
    await this.#ask("start");
  }

  async isRunning(): Promise<boolean | undefined> {
    const state = await this.#state();
    if (state === "run") return true;
    // The finish script runs when the service has ended.
    return state === "down" ? false : undefined;
  }

  async pid(): Promise<number | undefined> {
    const { output } = await this.#sv(["status", this.#folder()]);
    const pid = Number(/^run: .*?: \(pid (\d+)\)/m.exec(output)?.[1]);
    return pid > 0 ? pid : undefined;
  }

  async log(): Promise<LogSource> {
    const folder = this.#folder();
    for (const candidate of [...logFolders(folder), join(folder, "log", "main")]) {
      const path = join(candidate, "current");
      if (isReadable(path)) return { kind: "file", path };
    }
    const reason = `${this.describe()} has no log that can be read: neither svlogd's folder nor ${folder}/log/main`;
    return { kind: "none", reason };
  }

  /**
   * sv compares whole seconds (check() in sv.c): of a service that started within the second of the restart it says
   * that it has restarted before it has even ended.
   */
  async #waitForAnother(before: number | undefined, deadline: number): Promise<void> {
    for (let last: number | undefined, polls = 1; ; ) {
      const pid = await this.pid();
      polls = pid === last ? polls + 1 : 1;
      last = pid;
      // A process that ends at once is started anew each second.
      if (pid !== undefined && pid !== before && polls >= STEADY_POLLS) return;
      if (Date.now() > deadline)
        throw new RegistryCtlError(
          "ERR_SERVICE",
          `sv restart ${this.#name} said that it was done, but no new process keeps running`,
          { hint: this.#hint() },
        );
      await sleep(RESTART_POLL_MS);
    }
  }

  async #state(): Promise<string> {
    const end = await this.#sv(["status", this.#folder()]);
    const state = /^(run|down|finish): /m.exec(end.output)?.[1];
    if (state === "run" || state === "down" || state === "finish") return state;
    throw serviceError(`sv status ${this.#name} failed`, end, `is runsv running for ${this.#folder()}?`);
  }

  async #ask(verb: "start" | "stop" | "restart"): Promise<void> {
    // sv by itself gives up after seven seconds, which a server that lets its requests end may well need.
    const seconds = Math.max(1, Math.ceil(this.#options.timeoutMs / 1000) - 1);
    const end = await this.#sv(["-w", String(seconds), verb, this.#folder()]);
    if (end.exitCode !== 0) throw serviceError(`sv ${verb} ${this.#name} failed`, end, this.#hint());
  }

  #hint(): string {
    return `see what it says: registry-ctl tail --service ${this.spec}`;
  }

  #folder(): string {
    if (isAbsolute(this.#name)) return this.#name;
    const { env } = this.#options;
    const chosen = (env ?? process.env)["SVDIR"];
    const folders = chosen === undefined || chosen === "" ? SERVICE_FOLDERS : [chosen];
    const found = folders
      .map((folder) => join(folder, this.#name))
      .find((folder) => isThere(join(folder, "run")));
    if (found === undefined)
      throw new RegistryCtlError(
        "ERR_SERVICE",
        `there is no runit service ${this.#name} in ${folders.join(", ")}`,
        {
          hint: "name its folder: runit:/path/of/the/service",
        },
      );
    return found;
  }

  #sv(args: readonly string[]): Promise<ProgramEnd> {
    const path = (this.#options.env ?? process.env)["PATH"] ?? "";
    const programs = [...path.split(delimiter).map((folder) => join(folder, "sv")), ...SV_PROGRAMS];
    return runProgram(programs.find(isExecutable) ?? "sv", args, this.#options);
  }
}

/** @returns the folders that the service's svlogd writes to */
function logFolders(folder: string): string[] {
  try {
    const pid = readFileSync(join(folder, "log", "supervise", "pid"), "utf8").trim();
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    if (basename(words[0] ?? "") !== "svlogd") return [];
    const cwd = readlinkSync(`/proc/${pid}/cwd`);
    return words
      .slice(1)
      .filter((word) => !word.startsWith("-"))
      .map((word) => resolve(cwd, word));
  } catch {
    return [];
  }
}

function isExecutable(path: string): boolean {
  return isThere(path, constants.X_OK);
}

function isReadable(path: string): boolean {
  return isThere(path, constants.R_OK);
}

function isThere(path: string, mode: number = constants.F_OK): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
