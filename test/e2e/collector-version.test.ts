import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";

const PROGRAM = fileURLToPath(new URL("../../bin/registry-ctl.js", import.meta.url));

it.each([
  ["0.0.1", "0.0.1 runs"],
  [undefined, "an earlier one runs"],
])("a collector removes nothing for a server of version %s", async (version, expected) => {
  const collector = fork(PROGRAM, ["garbage-collect", "--collector"], {
    execArgv: [],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  onTestFinished(() => void collector.kill("SIGKILL"));
  const said: unknown[] = [];
  collector.on("message", (message: { type: string }) => {
    said.push(message);
    // Nothing of the order is looked at but this.
    if (message.type === "collector-booted") collector.send({ type: "collector-start", order: { version } });
  });
  const [code] = await once(collector, "close");
  expect(code).toBe(12);
  expect(said).toContainEqual({
    type: "collector-event",
    event: expect.objectContaining({ type: "failed", message: expect.stringContaining(expected) }),
  });
});
