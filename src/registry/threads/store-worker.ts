import { parentPort, workerData } from "node:worker_threads";
import { hasSynchronousFolders, type Reopenable } from "../../storage/abilities.ts";
import { openDriver } from "../../storage/open-driver.ts";
import { runStoreTask, type StoreTaskInput, type StoreTasks } from "./store-tasks.ts";

/** A message to a worker thread. */
export interface TaskRequest {
  id: number;
  name: keyof StoreTasks;
  input: StoreTaskInput<keyof StoreTasks>;
}

/** Its answer. */
export type TaskAnswer = { id: number; output: unknown } | { id: number; error: string };

/* The script of a worker thread: opens the store once more and does one task after the other. */
if (parentPort !== null) {
  const port = parentPort;
  const { settings, readOnly } = workerData as Reopenable["openedWith"];
  const driver = await openDriver(settings, { readOnly });
  if (!hasSynchronousFolders(driver)) throw new Error(`${driver.name} has no synchronous folders`);
  port.on("message", ({ id, name, input }: TaskRequest) => {
    let answer: TaskAnswer;
    try {
      answer = { id, output: runStoreTask(driver, name, input) };
    } catch (error) {
      answer = { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    port.postMessage(answer);
  });
}
