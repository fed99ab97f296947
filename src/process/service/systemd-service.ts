import type { LogSource, Service } from "../../control/service.ts";
import { RegistryCtlError } from "../../errors.ts";
import { type ProgramOptions, runProgram, serviceError } from "./run-program.ts";

/** States of a unit in which its process serves. */
const RUNNING = new Set(["active", "reloading", "refreshing"]);
const STOPPED = new Set(["inactive", "failed"]);
const PROPERTIES = "LoadState,ActiveState,SubState,Result,MainPID";
const JOURNAL_HINT = (unit: string) => `see what it says: journalctl -u ${unit} -n 50`;

/** A unit of the system's systemd, driven by systemctl. */
export class SystemdService implements Service {
  readonly #unit: string;
  readonly #options: ProgramOptions;

  /** @param unit - with its ending */
  constructor(unit: string, options: ProgramOptions) {
    this.#unit = unit;
    this.#options = options;
  }

  get spec(): string {
    return `systemd:${this.#unit}`;
  }

  describe(): string {
    return `systemd unit ${this.#unit}`;
  }

  async start(): Promise<void> {
    await this.#forgetFailures();
    await this.#ask("start");
  }

  async stop(): Promise<void> {
    await this.#ask("stop");
  }

  async restart(): Promise<void> {
    await this.#forgetFailures();
    await this.#ask("restart");
  }

  async isRunning(): Promise<boolean | undefined> {
    const { ActiveState: state = "", LoadState: loaded } = await this.#show();
    if (loaded === "not-found")
      throw new RegistryCtlError("ERR_SERVICE", `there is no systemd unit ${this.#unit}`, {
        hint: "see its name in: systemctl list-units --type=service --all",
      });
    if (RUNNING.has(state)) return true;
    return STOPPED.has(state) ? false : undefined;
  }

  async pid(): Promise<number | undefined> {
    const { MainPID: pid } = await this.#show();
    return Number(pid) > 0 ? Number(pid) : undefined;
  }

  log(): Promise<LogSource> {
    const args = (lines: number, follow: boolean): string[] => [
      ...["--unit", this.#unit, "--lines", String(lines), "--no-pager", "--quiet"],
      ...(follow ? ["--follow"] : []),
    ];
    return Promise.resolve({ kind: "program", file: "journalctl", args });
  }

  /**
   * A unit that failed too often is not started again before that is forgotten. Where nothing failed, nothing
   * happens.
   */
  async #forgetFailures(): Promise<void> {
    await this.#run(["reset-failed", this.#unit]);
  }

  async #ask(verb: "start" | "stop" | "restart"): Promise<void> {
    const end = await this.#run([verb, this.#unit]);
    if (end.exitCode !== 0)
      throw serviceError(`systemctl ${verb} ${this.#unit} failed`, end, JOURNAL_HINT(this.#unit));
  }

  async #show(): Promise<Record<string, string>> {
    const end = await this.#run(["show", this.#unit, "--property", PROPERTIES]);
    if (end.exitCode !== 0)
      throw serviceError(`systemctl show ${this.#unit} failed`, end, "is systemd running on this host?");
    const pairs = end.output
      .split("\n")
      .map((line) => [line.split("=", 1)[0] ?? "", line.slice(line.indexOf("=") + 1)]);
    return Object.fromEntries(pairs);
  }

  #run(args: readonly string[]) {
    return runProgram("systemctl", ["--no-ask-password", ...args], this.#options);
  }
}
