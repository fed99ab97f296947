import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/read-config.ts";

function read(storage: string): ReturnType<typeof readConfig> {
  return readConfig(`version: 0.1\nstorage: {inmemory: {}, ${storage}}\n`, "config.yml", {});
}

describe("storage.redirect", () => {
  it("is on for twenty minutes unless the file says otherwise", () => {
    expect(read("").settings?.redirect).toEqual({ enabled: true, expiryMs: 1_200_000 });
    expect(read("redirect: {disable: true}").settings?.redirect.enabled).toBe(false);
    expect(read("redirect: {expirydelay: 90s}").settings?.redirect.expiryMs).toBe(90_000);
  });

  it("lasts no longer than S3 allows", () => {
    const { settings, findings } = read("redirect: {expirydelay: 200h}");
    expect(settings?.redirect.expiryMs).toBe(604_800_000);
    expect(findings.map(({ message }) => message)).toEqual([
      "storage.redirect.expirydelay is cut to seven days, the most that S3 allows",
    ]);
  });
});

describe("storage.maintenance.uploadpurging", () => {
  const purging = (keys: string) => read(`maintenance: {uploadpurging: {${keys}}}`);

  it("is on for uploads of a week, once a day, unless the file says otherwise", () => {
    expect(read("").settings?.uploadPurging).toEqual({
      enabled: true,
      ageMs: 604_800_000,
      intervalMs: 86_400_000,
      dryRun: false,
    });
    const { settings } = purging("enabled: true, age: 48h, interval: 1h, dryrun: true");
    expect(settings?.uploadPurging).toEqual({
      enabled: true,
      ageMs: 172_800_000,
      intervalMs: 3_600_000,
      dryRun: true,
    });
  });

  it("leaves a pause between two runs", () => {
    const { settings, findings } = purging("enabled: true, age: 48h, interval: 0s, dryrun: false");
    expect(settings?.uploadPurging.intervalMs).toBe(60_000);
    expect(findings.filter(({ kind }) => kind === "warning").map(({ message }) => message)).toEqual([
      "storage.maintenance.uploadpurging.interval is raised to a minute",
    ]);
  });
});
