import { describe, expect, it } from "vitest";
import { keyValues } from "../../../../src/config/key-values.ts";
import type { ComparableConfig } from "../../../../src/config/load-config.ts";
import { readConfig } from "../../../../src/config/read-config.ts";
import type { WorkerStatus } from "../../../../src/control/protocol.ts";
import { RunningServer } from "../../../../src/process/control/running-server.ts";
import type { ServingHost } from "../../../../src/process/control/serving-host.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

function config(text: string): ComparableConfig {
  const read = readConfig(`version: 0.1\nstorage: {filesystem: {rootdirectory: /s}}\n${text}`, "c.yml", {});
  if (read.settings === undefined) throw new Error(read.findings.map(({ message }) => message).join("\n"));
  return {
    source: { kind: "embedded" },
    settings: read.settings,
    ...{ warnings: [], hints: [], usesMetadataDatabase: false },
    values: keyValues(read),
  };
}

const [first, second] = [config("log: {level: info}\n"), config("log: {level: debug}\n")];
const third: ComparableConfig = config("log: {level: warn}\n");
const readOnlyThird: ComparableConfig = {
  ...third,
  settings: { ...third.settings, readOnly: true },
};

const WORKER: WorkerStatus = {
  ...{ pid: 7, state: "listening", startedAt: "2026-01-02T03:04:05.678Z" },
  ...{ uploadsInFlight: 0, requestsInFlight: 0 },
};

/** A server of these configurations, one for each time that they are read. */
function serverOf(
  configs: ComparableConfig[],
  does: Partial<ServingHost> = {},
  readBuild = () => "b1",
): RunningServer {
  const server = new RunningServer({
    readBuild,
    ...{ version: "1", config: first, readOnlyStore: false, stateFolder: undefined },
    reread: async () => configs.shift() ?? first,
    logger: { ...recordingLogger([]), configure: () => {} },
    prepare: async () => {},
    stores: { stateFolder: undefined, open: async () => Promise.reject(new Error("no other store")) },
    ...{ onConfigured: () => {}, onReadOnly: () => {}, stop: () => {} },
  });
  const host: ServingHost = {
    status: async () => [WORKER],
    problems: () => [],
    setReadOnly: async () => 0,
    holdNames: async () => 0,
    ...{ flushCaches: async () => {}, setTag: async () => {}, setLog: () => {}, replace: async () => {} },
    ...does,
  };
  server.use({ host, address: "http://a/", collections: undefined });
  return server;
}

describe("a running server", () => {
  it("goes back to what was in use before, although not all of the reload worked", async () => {
    let isStuck = true;
    const server = serverOf([second, readOnlyThird], {
      setReadOnly: async () => {
        if (isStuck) throw new Error("process 7 does not answer");
        return 0;
      },
    });
    await server.reload();
    await expect(server.reload()).rejects.toThrow("does not answer");
    expect((await server.status()).logLevel).toBe("warn");
    isStuck = false;
    await server.undoReload();
    expect(await server.status()).toMatchObject({ logLevel: "debug", readOnly: { on: false } });
    await expect(server.undoReload()).rejects.toThrow("there is no reload that could be undone");
  });

  it("takes no new workers from a program that has been replaced", async () => {
    let [build, replaced] = ["b1", 0];
    const replace = async () => void replaced++;
    const other = config("http: {secret: another}\n");
    const server = serverOf([second, other], { replace }, () => build);
    expect(await server.status()).toMatchObject({ version: "1", build: "b1" });
    await server.restart();
    build = "b2";
    await expect(server.restart()).rejects.toThrow("the program has been replaced");
    expect((await server.status()).build).toBe("b1");
    // What needs none is done.
    expect(await server.reload()).toMatchObject({ replaced: false });
    await expect(server.reload()).rejects.toThrow("the program has been replaced");
    expect(replaced).toBe(1);
  });

  it("says which process does not answer", async () => {
    const server = serverOf([], { status: async () => [{ ...WORKER, isSilent: true }] });
    expect((await server.status()).problems).toEqual(["process 7 does not answer"]);
    expect((await serverOf([]).status()).problems).toEqual([]);
  });
});
