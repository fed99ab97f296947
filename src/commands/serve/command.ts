import { Command, InvalidArgumentError } from "commander";
import type { CommandContext, GlobalFlags } from "../context.ts";

interface Flags extends GlobalFlags {
  workers?: number;
  stateDir?: string;
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
      "processes that serve; 1 runs everything in one process (default: one for each core)",
      parseWorkers,
    )
    .option(
      "--state-dir <dir>",
      "folder for what is remembered beside the store (default: /var/lib/registry-ctl for root, else below $XDG_STATE_HOME or ~/.local/state)",
    )
    .addHelpText(
      "after",
      `
The first Ctrl-C or SIGTERM lets running requests end, for http.draintimeout at the most; the second ends at once.
The log goes to stderr, the access log to stdout. With http.net: unix, the socket gets the mode that the umask leaves.

Examples:
  $ registry-ctl serve --read-only-store config.yml   try it on a store in production: nothing is written
  $ registry-ctl serve                                an empty registry, right here
  $ registry-ctl serve /etc/distribution/config.yml   take over the store of another registry

Exit codes: 0 stopped after running requests had ended, 1 failed (such as: the port is in use), 2 wrong usage,
10 configuration missing, invalid or not implemented, 11 store unreachable or denied, 12 the registry's metadata is in
a database, 129/130/143 ended at once by a second signal.`,
    );
  return command.action((configPath: string | undefined) =>
    run(context, configPath, command.optsWithGlobals<Flags>()),
  );
}

async function run(context: CommandContext, argument: string | undefined, flags: Flags): Promise<void> {
  const config = await context.loadConfig({ argument, flags, refuseUnimplemented: true });
  const { runServer, countWorkers } = await import("../../process/run-server.ts");
  const { prepareState } = await import("../../process/prepare-state.ts");
  const { refuseMetadataDatabase } = await import("../../process/refuse-metadata-database.ts");
  const { requireStore } = await import("../../process/require-store.ts");
  const render = await import("./render.ts");
  const { settings } = config;
  const state = prepareState(settings.storage, flags.stateDir);
  const storage = await context.openStorage(config, flags);
  await requireStore(settings.storage, storage, settings.readOnly || (flags.readOnlyStore ?? false));
  await refuseMetadataDatabase(config, storage);
  const workers = countWorkers({ settings, workers: flags.workers });
  if (workers < (flags.workers ?? 1)) context.notice(render.renderOneWorker(), flags);
  await runServer({
    settings,
    storage,
    readOnlyStore: flags.readOnlyStore ?? false,
    workers,
    stateFolder: state.folder,
    signal: context.signal,
    onListening: (address) => {
      for (const warning of render.renderWarnings({ address, settings, state }))
        context.stderr.write(`warning: ${warning}\n`);
      const embedded = config.source.kind === "embedded";
      context.notice(render.renderListening({ address, settings, workers, embedded }), flags);
    },
  });
}

function parseWorkers(text: string): number {
  const workers = Number(text);
  if (!/^\d{1,3}$/.test(text) || workers < 1) throw new InvalidArgumentError("It is a number from 1 to 999.");
  return workers;
}
