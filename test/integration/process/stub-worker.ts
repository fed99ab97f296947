import { runWorker } from "../../../src/process/workers/run-worker.ts";
import { createStubServer } from "./stub-server.ts";

runWorker(createStubServer);
