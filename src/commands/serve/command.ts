import { Command } from "commander";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { parseWorkers } from "./parse-workers.ts";

interface Flags extends GlobalFlags {
  workers?: number;
  stateDir?: string;
  controlSocket?: string;
}

/** `registry-ctl serve [config]`: runs the registry until it is asked to stop. */
export function serveCommand(context: CommandContext): Command {
  const command = new Command("serve")
    .argument("[config]", "path of the registry's config.yml (default: see registry-ctl --help)")
    .summary("run the registry")
    .description(
      "Runs the registry: clients push to it and pull from it. Without a configuration it stores in ./registry-data, " +
        "listens on 127.0.0.1:5000, allows deletes and asks for no password.",
    )
    .option(
      "--workers <n>",
      "processes that serve, beside one that looks after them (default: one for each core)",
      parseWorkers,
    )
    .option(
      "--state-dir <dir>",
      "folder for what is remembered beside the store (default: /var/lib/registry-ctl for root, else below $XDG_STATE_HOME or ~/.local/state)",
    )
    .option(
      "--control-socket <path>",
      "socket on which other commands speak to this server (default: below $RUNTIME_DIRECTORY, /run/registry-ctl for root, $XDG_RUNTIME_DIR/registry-ctl)",
    )
    .addHelpText(
      "after",
      `
The first Ctrl-C or SIGTERM lets running requests end, for http.draintimeout at the most; the second ends at once.
Without a terminal SIGHUP reads the configuration again, as registry-ctl reload does: what is wrong with it is logged and
changes nothing.
The log goes to stderr, the access log to stdout. With http.net: unix, the socket gets the mode that the umask leaves.

Examples:
  $ registry-ctl serve --read-only-store config.yml   try it on a store in production: nothing is written
  $ registry-ctl serve                                an empty registry, right here
  $ registry-ctl serve /etc/distribution/config.yml   take over the store of another registry

Exit codes: 0 stopped after running requests had ended, 1 failed (such as: the port is in use), 2 wrong usage,
10 configuration missing, invalid or not implemented, 11 store unreachable or denied, 12 the registry's metadata is in
a database, or another server of this host works on the store, 129/130/143 ended at once by a second signal.`,
    );
  return command.action((configPath: string | undefined) =>
    run(context, configPath, command.optsWithGlobals<Flags>()),
  );
}

async function run(context: CommandContext, argument: string | undefined, flags: Flags): Promise<void> {
  const request = { argument, flags, refuseUnimplemented: true };
  const config = await context.loadConfig(request);
  const { runServer, countWorkers } = await import("../../process/run-server.ts");
  const { prepareState, reachableState } = await import("../../process/state/prepare-state.ts");
  const { refuseMetadataDatabase } = await import("../../process/refuse-metadata-database.ts");
  const { prepareRuntime } = await import("../../process/control/prepare-runtime.ts");
  const { requireStore } = await import("../../process/require-store.ts");
  const { takeStoreEnvironment } = await import("../../process/machine/take-store-environment.ts");
  const render = await import("./render.ts");
  const { settings } = config;
  const prepared = prepareState(settings.storage, flags.stateDir);
  const runtime = prepareRuntime(settings, flags.controlSocket, prepared.folder);
  const storage = await context.openStorage(config, { ...flags, keepUser: true, storeTimes: true });
  const state = reachableState(prepared);
  await requireStore(settings.storage, storage, settings.readOnly || (flags.readOnlyStore ?? false));
  await refuseMetadataDatabase(config, storage);
  const workers = countWorkers({ config, workers: flags.workers });
  if (workers < (flags.workers ?? 1)) context.notice(render.renderOneWorker(), flags);
  await runServer({
    config,
    reread: () => context.loadConfig({ ...request, silent: true }),
    takeEnvironment: (next) => takeStoreEnvironment(next, flags.envFrom ?? [], context.cwd),
    version: context.version,
    storage,
    readOnlyStore: flags.readOnlyStore ?? false,
    workers,
    stateFolder: state.folder,
    runtime: runtime.place,
    requiresSocket: flags.controlSocket !== undefined,
    onReloadSignal: (listener) => context.onReloadSignal(listener),
    signal: context.signal,
    onListening: (address) => {
      for (const warning of render.renderWarnings({ address, settings, state, runtime }))
        context.stderr.write(`warning: ${warning}\n`);
      const embedded = config.source.kind === "embedded";
      context.notice(render.renderListening({ address, settings, workers, embedded }), flags);
    },
  });
}
