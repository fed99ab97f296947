import { onTestFinished } from "vitest";
import { type InProcessOptions, type InProcessServer, startInProcessServer } from "./in-process-server.ts";

/** Starts a registry in the test's own process that is closed when the test is over. */
export async function serverOfTest(options: InProcessOptions = {}): Promise<InProcessServer> {
  const server = await startInProcessServer(options);
  onTestFinished(() => server.close());
  return server;
}
