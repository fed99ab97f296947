import type {
  CommandContext,
  ConfigRequest,
  GlobalFlags,
  Progress,
  StorageFlags,
} from "../commands/context.ts";
import type { ComparableConfig } from "../config/load-config.ts";
import type { LoadedConfig } from "../config/settings.ts";
import { UsageError } from "../errors.ts";
import { printable, printableJson } from "../lib/printable.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { RecordedCommand } from "./recorded-command.ts";

/** What the context takes from the process. */
export interface ContextOptions {
  args: readonly string[];
  version: string;
  signal: AbortSignal;
  /** See `StopRequest`. */
  onHangup?: (listener: () => void) => void;
  /** The signal that asked to stop, if one did. */
  stoppedBy?: () => "SIGINT" | "SIGTERM" | "SIGHUP" | undefined;
}

/** A context that also remembers the exit code that a command asked for. */
export type MainContext = CommandContext & {
  readonly exitCode: number;
  /** What the journal of commands is told of this one. */
  readonly recorded: RecordedCommand;
};

/** Builds the context of this process. Loads nothing that `--version` and `--help` do not need. */
export function createContext({ args, version, signal, stoppedBy, onHangup }: ContextOptions): MainContext {
  let exitCode = 0;
  const { stdin, stdout, stderr } = process;
  const noColor = args.includes("--no-color");
  const interactive = stdin.isTTY && stderr.isTTY && !args.includes("--no-input");
  const notice = (text: string, flags: GlobalFlags): void => {
    if (!flags.quiet) stderr.write(`${printable(text)}\n`);
  };
  const recorded = new RecordedCommand({
    args,
    env: process.env,
    onWarning: (text) => void stderr.write(`warning: ${printable(text)}\n`),
  });
  return {
    version,
    recorded,
    recordChange: (change) => recorded.note(change),
    expectChange: () => recorded.expect(),
    actor: () => recorded.actor(),
    env: process.env,
    get cwd() {
      return workingFolder();
    },
    stdin,
    stdout,
    stderr,
    interactive,
    signal,
    get exitCode() {
      return exitCode;
    },
    setExitCode(code) {
      exitCode = code;
    },
    notice,
    onReloadSignal(listener) {
      // Where there is a terminal, its end sends the signal too.
      if (!stdin.isTTY && !stdout.isTTY && !stderr.isTTY) onHangup?.(listener);
    },
    async loadConfig(request: ConfigRequest): Promise<ComparableConfig> {
      const { loadConfig } = await import("../config/load-config.ts");
      const { flags } = request;
      const loaded = await loadConfig({
        cwd: workingFolder(),
        env: process.env,
        argument: request.argument,
        flag: flags.config,
        destructive: request.destructive ?? false,
        refuseUnimplemented: request.refuseUnimplemented ?? false,
        allowUnimplemented: flags.allowUnimplemented ?? [],
        envFrom: flags.envFrom ?? [],
      });
      if (request.silent) return loaded;
      const { describeConfig } = await import("./describe-config.ts");
      for (const line of describeConfig(loaded)) notice(line, flags);
      // Warnings are about the configuration's meaning: they are shown even with --quiet.
      const { coloursFor } = await import("../ui/colour.ts");
      const colours = coloursFor(stderr, { env: process.env, noColor });
      for (const warning of loaded.warnings) stderr.write(`${colours.warning("warning:")} ${warning}\n`);
      return loaded;
    },
    async openStorage(config: LoadedConfig, flags: StorageFlags): Promise<StorageDriver> {
      const { openStorage } = await import("./open-storage.ts");
      return openStorage(config, {
        readOnly: flags.readOnlyStore ?? false,
        stateDir: flags.stateDir,
        keepUser: flags.keepUser ?? false,
        storeTimes: flags.storeTimes ?? false,
        envFrom: flags.envFrom ?? [],
        cwd: workingFolder(),
        notice: (text) => notice(text, flags),
      });
    },
    async openTarget(storage, flags) {
      const { openTarget } = await import("./open-storage.ts");
      const readOnly = flags.readOnlyStore ?? false;
      return openTarget(storage, { readOnly, notice: (text) => notice(text, flags) });
    },
    exitCodeOf: (error) => exitCodeOf(error, stoppedBy?.()),
    async confirm(question, flags, takenBack = signal) {
      if (flags.yes) return;
      const { confirm } = await import("../ui/prompt.ts");
      await confirm(question, { interactive, stdin, stderr, signal: takenBack });
    },
    async askText(question, suggestion) {
      const { askText } = await import("../ui/prompt.ts");
      return askText(question, suggestion, { interactive, stdin, stderr, signal });
    },
    async askSecret(question) {
      const { askSecret } = await import("../ui/prompt.ts");
      return askSecret(question, { interactive, stdin, stderr, signal });
    },
    progress(text, flags) {
      return deferredProgress(text, { silent: Boolean(flags.quiet || flags.json), noColor });
    },
    report(result, render, flags) {
      const text = flags.json ? printableJson(result) : render(result);
      if (text !== "") stdout.write(text.endsWith("\n") ? text : `${text}\n`);
    },
  };
}

/** @throws {UsageError} if the folder has been removed since somebody went into it */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new UsageError("the working folder does not exist any more", { cause, hint: "go to another one" });
  }
}

/** A progress display whose library is loaded only once there is something to show. */
function deferredProgress(text: string, options: { silent: boolean; noColor: boolean }): Progress {
  let latest: string | (() => string) = text;
  let stopped = options.silent;
  let shown: Progress | undefined;
  if (!stopped) {
    void Promise.all([import("../ui/progress.ts"), import("../ui/colour.ts")]).then(
      ([{ startProgress }, { wantsColour }]) => {
        if (stopped) return;
        const { env, stderr } = process;
        const hasColour = wantsColour(stderr, { env, noColor: options.noColor });
        shown = startProgress(latest, stderr, { hasColour, isDumb: env["TERM"] === "dumb" });
      },
    );
  }
  return {
    update(next) {
      latest = next;
      shown?.update(next);
    },
    stop() {
      stopped = true;
      shown?.stop();
    },
  };
}
