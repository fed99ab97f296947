import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeEach, describe, expect, it, onTestFinished } from "vitest";
import type { CollectionEvent } from "../../../../src/control/protocol.ts";
import {
  CollectorRunner,
  type CollectorRunnerOptions,
} from "../../../../src/process/collector/run-collector.ts";
import { settingsFor } from "../../../integration/process/settings-for.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

let folder: string;
let lines: LoggedLine[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-collector-"));
  lines = [];
  return () => rm(folder, { recursive: true });
});

/** Runs a program in the place of the command; it finds `tell` and `onStop`. */
async function runner(body: string, more: Partial<CollectorRunnerOptions> = {}): Promise<CollectorRunner> {
  const program = join(folder, "program.mjs");
  await writeFile(
    program,
    `const tell = (event) => process.send({ type: "collector-event", event });
     const end = () => process.disconnect();
     let stopped = () => {};
     const onStop = (listener) => { stopped = listener; };
     process.on("message", (message) => {
       if (message.type === "collector-start") run(message.order);
       if (message.type === "collector-stop") stopped(message.isEnding);
     });
     process.send({ type: "collector-booted" });
     async function run(order) { ${body} }`,
  );
  const collector = new CollectorRunner({
    config: () => ({
      source: { kind: "embedded" },
      settings: settingsFor("/store", ""),
      warnings: [],
      usesMetadataDatabase: false,
    }),
    ...{ version: "1.2.3", readOnlyStore: false, stateFolder: "/state", rateFolder: undefined },
    logger: recordingLogger(lines),
    attach: () => undefined,
    program: pathToFileURL(program),
    ...more,
  });
  onTestFinished(() => collector.end());
  return collector;
}

const REQUEST = { options: ["-m", "--grace", "0ms"], by: "somebody" };
const REPORT = `tell({ type: "report", report: { args: process.argv.slice(2) }, exitCode: 3 });`;

function heard(): { events: CollectionEvent[]; onEvent: (event: CollectionEvent) => void } {
  const events: CollectionEvent[] = [];
  return { events, onEvent: (event) => void events.push(event) };
}

describe("running a collector", () => {
  it("gives it the options on its command line and all else over the channel, and tells what it says", async () => {
    const collector = await runner(
      `tell({ type: "notice", text: order.version + " " + order.by + " " + order.config.settings.storage.rootDirectory + " " + order.stateFolder });
       process.send({ type: "collector-progress", phase: "deleting", text: "half" });
       ${REPORT} end();`,
    );
    const { events, onEvent } = heard();
    await collector.collect(REQUEST, onEvent);

    expect(events).toEqual([
      { type: "started", id: expect.any(String), pid: expect.any(Number) },
      { type: "notice", text: "1.2.3 somebody /store /state" },
      { type: "progress", text: "half" },
      {
        type: "report",
        report: { args: ["garbage-collect", "-m", "--grace", "0ms", "--collector"] },
        exitCode: 3,
      },
    ]);
    expect(collector.current).toBeUndefined();
  });

  it("runs one at a time, lets others follow it, and stops it when asked", async () => {
    const collector = await runner(
      `process.send({ type: "collector-progress", phase: "deleting", text: "half" });
       onStop((isEnding) => { tell({ type: "report", report: { isEnding }, exitCode: 0 }); end(); });`,
    );
    const first = heard();
    let isHalfDone: () => void = () => {};
    const halfDone = new Promise<void>((resolve) => {
      isHalfDone = resolve;
    });
    const run = collector.collect(REQUEST, (event) => {
      first.onEvent(event);
      if (event.type === "progress") isHalfDone();
    });
    await halfDone;
    expect(collector.current).toMatchObject({ phase: "deleting", progress: "half" });
    await expect(collector.collect(REQUEST, () => {})).rejects.toThrow("collecting already, since");
    const second = heard();
    const following = collector.followCollection(second.onEvent);

    expect(await collector.stopCollection()).toBe(true);
    await run;

    expect(await following).toBe(true);
    const report = { type: "report", report: { isEnding: false }, exitCode: 0 };
    expect(first.events.at(-1)).toEqual(report);
    expect(second.events.map(({ type }) => type)).toEqual(["started", "progress", "report"]);
    expect(await collector.stopCollection()).toBe(false);
    expect(await collector.followCollection(() => {})).toBe(false);
  });

  it("says how one ended that did not, and what it said last", async () => {
    const collector = await runner(
      `process.stderr.write("out of luck\\n", () => process.kill(process.pid, "SIGKILL"));`,
    );
    const { events, onEvent } = heard();
    await collector.collect(REQUEST, onEvent);

    expect(events.at(-1)).toMatchObject({
      type: "failed",
      code: "ERR_COLLECTOR",
      message: "the collector ended too early (signal SIGKILL): out of luck",
      exitCode: 1,
    });
    expect(lines.at(-1)).toMatchObject({ level: "error", message: "the collection failed" });
  });

  it("goes on although nobody listens any more", async () => {
    const collector = await runner(`tell({ type: "notice", text: "hello" }); ${REPORT} end();`);
    await collector.collect(REQUEST, () => {
      throw new Error("gone");
    });
    expect(lines.at(-1)?.message).toBe("the collection has ended");
  });

  it("begins none for a store that nobody else sees, or that is not to be written to, or at the end", async () => {
    const readOnly = await runner("", { readOnlyStore: true });
    await expect(readOnly.collect(REQUEST, () => {})).rejects.toThrow("--read-only-store");
    const memory = await runner("", {
      config: () => ({
        source: { kind: "embedded" },
        settings: { ...settingsFor("/", ""), storage: { driver: "inmemory" } },
        warnings: [],
        usesMetadataDatabase: false,
      }),
    });
    await expect(memory.collect(REQUEST, () => {})).rejects.toThrow("a store in memory");
    const ending = await runner(REPORT);
    await ending.end();
    await expect(ending.collect(REQUEST, () => {})).rejects.toThrow("the server is ending");
  });

  it("asks the one under way to stop when the server ends, and says why", async () => {
    const collector = await runner(
      `tell({ type: "notice", text: "ready" });
       onStop((isEnding) => { tell({ type: "report", report: { isEnding }, exitCode: 3 }); end(); });`,
    );
    const { events, onEvent } = heard();
    const isReady = new Promise<void>((resolve) => {
      void collector.collect(REQUEST, (event) => {
        onEvent(event);
        if (event.type === "notice") resolve();
      });
    });
    await isReady;
    await collector.end();
    expect(events.at(-1)).toEqual({ type: "report", report: { isEnding: true }, exitCode: 3 });
  });
});
