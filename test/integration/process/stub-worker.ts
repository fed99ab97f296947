import { runWorker } from "../../../src/process/run-worker.ts";
import { createStubServer } from "./stub-server.ts";

runWorker(createStubServer);
