import { createLogger } from "../../../src/process/create-logger.ts";
import { parseListenAddress } from "../../../src/process/listen-address.ts";
import { supervise } from "../../../src/process/supervisor.ts";
import { settingsFor } from "./settings-for.ts";

// Arguments: folder of the store, http.addr, URL of the workers' program. Prints the port when all workers listen.
const [, , folder = "", addr = "", workerProgram = ""] = process.argv;
const settings = settingsFor(folder, addr);
const stop = new AbortController();
process.once("SIGTERM", () => stop.abort());

try {
  await supervise({
    order: {
      settings,
      address: parseListenAddress(settings.http),
      secret: "secret",
      readOnlyStore: false,
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
} catch (error) {
  process.stderr.write(`error: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
}
