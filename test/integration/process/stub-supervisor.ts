import { createLogger } from "../../../src/process/log/create-logger.ts";
import { parseListenAddress } from "../../../src/process/workers/listen-address.ts";
import { Supervisor } from "../../../src/process/workers/supervisor.ts";
import { settingsFor } from "./settings-for.ts";

// Arguments: folder of the store, http.addr, URL of the workers' program. Prints the port when all workers listen. Replaces
// them at SIGUSR2, and prints what came of it.
const [, , folder = "", addr = "", workerProgram = ""] = process.argv;
const settings = settingsFor(folder, addr);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

try {
  const supervisor = new Supervisor({
    order: {
      settings,
      address: parseListenAddress(settings.http),
      secret: "secret",
      readOnlyStore: false,
      leaseMs: 86_400_000,
      leaseFolder: `${folder}/leases`,
      rateFolder: undefined,
      slices: [],
    },
    workers: 2,
    logger: await createLogger(settings.log, (line) => process.stderr.write(`${line}\n`)),
    signal: stop.signal,
    onListening: (address) => {
      if (address.kind === "tcp") process.stdout.write(`port ${address.port}\n`);
    },
    workerProgram: new URL(workerProgram),
  });
  process.on("SIGUSR2", () => {
    supervisor.replace(settings).then(
      () => process.stdout.write("replaced\n"),
      (error: unknown) =>
        process.stdout.write(`not replaced: ${error instanceof Error ? error.message : error}\n`),
    );
  });
  await supervisor.run();
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
