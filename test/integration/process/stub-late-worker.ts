import { runWorker } from "../../../src/process/workers/run-worker.ts";
import { createStubServer } from "./stub-server.ts";

// Begins to read what the supervisor says only when that has had time to say everything.
process.stderr.write("late worker\n");
setTimeout(() => runWorker(createStubServer), 500);
