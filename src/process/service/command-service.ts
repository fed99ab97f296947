import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceCommands, ServiceSpec } from "../../config/service-spec.ts";
import { formatServiceSpec } from "../../config/service-spec.ts";
import type { LogSource, Service } from "../../control/service.ts";
import { RegistryCtlError } from "../../errors.ts";
import { type ProgramEnd, type ProgramOptions, runLine, serviceError } from "./run-program.ts";
import { findRunningLine } from "./running-line.ts";

/**
 * By which `status` of an init script tells that the program does not run. 1 and 2 tell it too, but they are also
 * how programs end that do not know `status`.
 *
 * @see https://refspecs.linuxbase.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/iniscrptact.html
 */
const NOT_RUNNING = 3;
const LOOK_EVERY_MS = 100;

/** A registry that commands of the user's own start and stop. They run by `/bin/sh -c`. */
export class CommandService implements Service {
  readonly spec: string;
  readonly #commands: ServiceCommands;
  readonly #line: string | undefined;
  readonly #options: ProgramOptions;

  constructor(spec: ServiceSpec & { kind: "command" }, options: ProgramOptions) {
    this.spec = formatServiceSpec(spec);
    this.#commands = spec.commands;
    this.#line = spec.line;
    this.#options = options;
  }

  describe(): string {
    return `command ${JSON.stringify(this.#line ?? this.#commands.start)}`;
  }

  async start(): Promise<void> {
    await this.#untilIdle();
    if ((await this.isRunning()) === true) return;
    await this.#ask("start", this.#commands.start);
  }

  async stop(): Promise<void> {
    await this.#untilIdle();
    if ((await this.isRunning()) === false) return;
    await this.#ask("stop", this.#commands.stop);
  }

  async restart(): Promise<void> {
    const { restart } = this.#commands;
    if (restart === undefined) await this.stop();
    else {
      await this.#untilIdle();
      return this.#ask("restart", restart);
    }
    await this.#ask("start", this.#commands.start);
  }

  async isRunning(): Promise<boolean | undefined> {
    const { status } = this.#commands;
    if (status === undefined || this.#running() !== undefined) return undefined;
    const { exitCode } = await this.#run(status);
    if (exitCode === 0) return true;
    return exitCode === NOT_RUNNING ? false : undefined;
  }

  /** A command does not tell. */
  pid(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  log(): Promise<LogSource> {
    const { log } = this.#commands;
    if (log !== undefined) return Promise.resolve({ kind: "file", path: log });
    const reason = `where ${this.describe()} logs is not known: give service.log in ctl.yml`;
    return Promise.resolve({ kind: "none", reason });
  }

  /** @returns the process of a line that starts or stops it just now */
  #running(): number | undefined {
    const { start, stop, restart = "" } = this.#commands;
    return findRunningLine([start, stop, restart]);
  }

  /**
   * A command that was killed leaves the line behind that it has run. Whoever brings the registry back must not take it for
   * running while that line stops it.
   *
   * @throws {RegistryCtlError} `ERR_SERVICE_BUSY` if the line does not end
   */
  async #untilIdle(): Promise<void> {
    const { timeoutMs } = this.#options;
    const deadlineMs = performance.now() + timeoutMs;
    for (let pid = this.#running(); pid !== undefined; pid = this.#running()) {
      if (performance.now() >= deadlineMs) {
        throw new RegistryCtlError(
          "ERR_SERVICE_BUSY",
          `${this.describe()} is at work already, as process ${pid}, and not done after ${timeoutMs / 1000} seconds`,
          { hint: "see why it does not end, and end it" },
        );
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  async #ask(verb: string, line: string): Promise<void> {
    const end = await this.#run(line);
    if (end.exitCode !== 0)
      throw serviceError(`to ${verb} the registry, ${JSON.stringify(line)} failed`, end);
  }

  #run(line: string): Promise<ProgramEnd> {
    return runLine(line, this.#options);
  }
}
