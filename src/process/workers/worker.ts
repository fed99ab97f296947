import { createServer } from "./registry-server.ts";
import { runWorker } from "./run-worker.ts";

/* The program of a worker process; see supervisor.ts. */
runWorker(createServer);
