import { describe, expect, it } from "vitest";
import { keyValues } from "../../../../src/config/key-values.ts";
import type { ComparableConfig } from "../../../../src/config/load-config.ts";
import { readConfig } from "../../../../src/config/read-config.ts";
import { planReload } from "../../../../src/process/control/reload-plan.ts";

function config(text: string): ComparableConfig {
  const read = readConfig(text, "config.yml", {});
  if (read.settings === undefined) throw new Error(read.findings.map(({ message }) => message).join("\n"));
  return {
    source: { kind: "file", path: "config.yml" },
    settings: read.settings,
    ...{ warnings: [], hints: [], usesMetadataDatabase: false },
    values: keyValues(read),
  };
}

const STORE = "storage: {filesystem: {rootdirectory: /s}}\n";
const before = config(`version: 0.1\n${STORE}http: {addr: "127.0.0.1:5000", secret: old}\n`);

describe("what a reload does", () => {
  it("is nothing where nothing has changed", () => {
    const plan = planReload(before, before);
    expect(plan).toMatchObject({ changed: [], needsWorkers: false });
    expect(plan.config.settings).toEqual(before.settings);
  });

  it("is live for what running processes can be told", () => {
    const next = config(
      `version: 0.1
storage:
  filesystem: {rootdirectory: /s}
  maintenance: {readonly: {enabled: true}, uploadpurging: {age: 24h}}
log: {level: debug}
http: {addr: "127.0.0.1:5000", secret: old}
`,
    );
    const { changed, needsWorkers, config: used } = planReload(before, next);
    expect(needsWorkers).toBe(false);
    expect(used.settings).toEqual(next.settings);
    expect(changed).toEqual([
      { key: "log.level", from: "info", to: "debug", applies: "live" },
      { key: "storage.maintenance.uploadpurging.age", from: "168h0m0s", to: "24h0m0s", applies: "live" },
      { key: "storage.maintenance.readonly.enabled", from: "false", to: "true", applies: "live" },
    ]);
  });

  it("leaves the time that leases hold as it is until the next start: workers and supervisor agree on it", () => {
    const next = config(
      `version: 0.1\n${STORE}http: {addr: "127.0.0.1:5000", secret: old}\ngc: {reviewafter: 1h, interval: 2h}\n`,
    );
    const { changed, needsWorkers, config: used } = planReload(before, next);
    expect(needsWorkers).toBe(false);
    expect(used.settings.gc.reviewAfterMs).toBe(before.settings.gc.reviewAfterMs);
    expect(changed.find(({ key }) => key === "gc.reviewafter")).toMatchObject({ applies: "restart" });
    expect(changed.find(({ key }) => key === "gc.interval")?.applies).not.toBe("restart");
  });

  it("needs new workers for the rest, and never shows a secret", () => {
    const next = config(
      `version: 0.1\n${STORE}http: {addr: "127.0.0.1:5000", secret: new, relativeurls: true}\n`,
    );
    const { changed, needsWorkers } = planReload(before, next);
    expect(needsWorkers).toBe(true);
    expect(changed).toEqual([
      { key: "http.secret", from: "***", to: "***", applies: "workers" },
      { key: "http.relativeurls", from: "false", to: "true", applies: "workers" },
    ]);
    expect(JSON.stringify(changed)).not.toMatch(/old|new/);
  });

  it("leaves the address as it is until the next start, and says so each time", () => {
    const text =
      'storage: {filesystem: {rootdirectory: /s}, delete: {enabled: true}}\nhttp: {addr: ":6000", secret: old}\n';
    const next = config(`version: 0.1\n${text}`);
    const plan = planReload(before, next);
    expect(plan.changed).toEqual([
      { key: "storage.delete.enabled", from: "false", to: "true", applies: "workers" },
      { key: "http.addr", from: "127.0.0.1:5000", to: ":6000", applies: "restart" },
    ]);
    expect(plan.changesStore).toBe(false);
    const { settings } = plan.config;
    expect(settings).toMatchObject({ deleteEnabled: true, storage: before.settings.storage });
    expect(settings.http.addr).toBe("127.0.0.1:5000");
    const again = planReload(plan.config, next);
    expect(again.changed.map(({ key }) => key)).toEqual(["http.addr"]);
    expect(again.needsWorkers).toBe(false);
    expect(planReload(plan.config, before).changed.map(({ key }) => key)).toEqual(["storage.delete.enabled"]);
  });

  it("goes to another store with new workers, and to no other address by that", () => {
    const bucket = "s3: {bucket: b, region: r, accesskey: a, secretkey: k}";
    const next = config(`version: 0.1\nstorage: {${bucket}}\nhttp: {addr: ":6000", secret: old}\n`);
    const plan = planReload(before, next);
    expect(plan).toMatchObject({ changesStore: true, needsWorkers: true });
    const appliedTo = (name: string) => plan.changed.find(({ key }) => key === name)?.applies;
    expect(appliedTo("storage.filesystem.rootdirectory")).toBe("store");
    expect(appliedTo("storage.s3.bucket")).toBe("store");
    expect(appliedTo("http.addr")).toBe("restart");
    expect(plan.config.settings.storage).toEqual(next.settings.storage);
    expect(plan.config.settings.http.addr).toBe("127.0.0.1:5000");
    expect(planReload(plan.config, next).changesStore).toBe(false);
    expect(planReload(plan.config, before).changesStore).toBe(true);
  });

  it("goes to no other store where only the driver has another name", () => {
    const named = (driver: string) =>
      config(`version: 0.1\nstorage: {${driver}: {bucket: b, region: r, accesskey: a, secretkey: k}}\n`);
    const { changesStore, changed } = planReload(named("s3"), named("s3_v2"));
    expect(changesStore).toBe(false);
    expect(changed.every(({ applies }) => applies === "restart")).toBe(true);
  });

  it("leaves a store in memory until the next start", () => {
    const next = config('version: 0.1\nstorage: inmemory\nhttp: {addr: "127.0.0.1:5000", secret: old}\n');
    const { changed, config: used } = planReload(before, next);
    expect(changed.every(({ applies }) => applies === "restart")).toBe(true);
    expect(changed.map(({ key }) => key)).toContain("storage.filesystem.rootdirectory");
    expect(used.settings.storage).toEqual(before.settings.storage);
  });

  it("is nothing for a default that is written down", () => {
    const next = config(
      `version: 0.1\n${STORE}log: {level: info}\nhttp: {addr: "127.0.0.1:5000", secret: old, prefix: /}\n`,
    );
    expect(planReload(before, next).changed).toEqual([]);
  });

  it("is nothing for a key that has no effect", () => {
    const next = config(
      `version: 0.1\n${STORE}http: {addr: "127.0.0.1:5000", secret: old}\nredis: {addr: "r:1"}\n`,
    );
    const { changed, needsWorkers } = planReload(before, next);
    expect(needsWorkers).toBe(false);
    expect(changed).toContainEqual({ key: "redis.addr", to: "r:1", applies: "live" });
  });
});
