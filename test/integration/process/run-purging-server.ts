import { runServer } from "../../../src/process/run-server.ts";
import { describeListenAddress } from "../../../src/process/workers/listen-address.ts";
import { openDriver } from "../../../src/storage/open-driver.ts";
import { settingsFor } from "./settings-for.ts";

/*
 * Serves a folder, and purges uploads more often than a configuration may ask for. Arguments: the folder, how many workers,
 * and `read-only` or nothing.
 */
const [rootDirectory = "", workers = "1", mode = ""] = process.argv.slice(2);
const settings = settingsFor(rootDirectory, "127.0.0.1:0");
settings.log.level = "debug";
settings.log.accessLogDisabled = true;
settings.readOnly = mode === "read-only";
settings.uploadPurging = { enabled: true, ageMs: 168 * 3_600_000, intervalMs: 1000, dryRun: false };
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const config = { source: { kind: "embedded" } as const, settings, warnings: [], usesMetadataDatabase: false };
await runServer({
  config: { ...config, hints: [], values: [] },
  takeEnvironment: async () => {},
  reread: () => Promise.reject(new Error("it is never read")),
  version: "0.0.0",
  storage: await openDriver(settings.storage),
  readOnlyStore: false,
  workers: Number(workers),
  stateFolder: undefined,
  runtime: undefined,
  requiresSocket: false,
  signal: stop.signal,
  onListening: (address) =>
    void process.stderr.write(`listening on ${describeListenAddress(address, settings.http)}\n`),
});
