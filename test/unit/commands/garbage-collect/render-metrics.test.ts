import { describe, expect, it } from "vitest";
import { type MeasuredRun, renderMetrics } from "../../../../src/commands/garbage-collect/render-metrics.ts";

const DELETED = { blobs: 2, bytes: 300, manifests: 4, layerLinks: 5, tagHistoryLinks: 6 };
const SUCCESS: MeasuredRun = {
  endedAt: "2026-01-01T00:00:00.000Z",
  seconds: 12.5,
  exitCode: 0,
  deleted: DELETED,
};
const FAILURE: MeasuredRun = { endedAt: "2026-01-02T00:00:00.000Z", seconds: 1, exitCode: 12 };

describe("renderMetrics", () => {
  it("tells the last success and the last run, each with the store as a label", () => {
    const samples = samplesOf(metrics("/srv/registry", SUCCESS, SUCCESS));
    expect(samples).toEqual([
      'registry_ctl_gc_last_success_timestamp_seconds{store="/srv/registry"} 1767225600',
      'registry_ctl_gc_last_success_duration_seconds{store="/srv/registry"} 12.5',
      'registry_ctl_gc_last_success_freed_bytes{store="/srv/registry"} 300',
      'registry_ctl_gc_last_success_deleted{store="/srv/registry",kind="blob"} 2',
      'registry_ctl_gc_last_success_deleted{store="/srv/registry",kind="manifest"} 4',
      'registry_ctl_gc_last_success_deleted{store="/srv/registry",kind="layer_link"} 5',
      'registry_ctl_gc_last_success_deleted{store="/srv/registry",kind="tag_history_link"} 6',
      ...samples.slice(7),
    ]);
    expect(samples.at(-1)).toBe('registry_ctl_gc_last_run_exit_code{store="/srv/registry"} 0');
  });

  it("gives every metric one HELP and one TYPE line, before its samples", () => {
    const text = metrics("/srv", SUCCESS, SUCCESS);
    const names = [...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map((match) => match[1]);
    expect(new Set(names).size).toBe(names.length);
    expect([...new Set(samplesOf(text).map((line) => line.replace(/\{.*/, "")))]).toEqual(names);
    expect(text.endsWith("\n")).toBe(true);
  });

  it("keeps the success of an earlier run", () => {
    const text = metrics("/srv", FAILURE, SUCCESS);
    expect(text).toContain('last_success_timestamp_seconds{store="/srv"} 1767225600');
    expect(text).toContain('last_run_timestamp_seconds{store="/srv"} 1767312000');
    expect(text).toContain('last_run_exit_code{store="/srv"} 12');
  });

  it("takes the success from what the file held, if nothing else knows it", () => {
    const previous = metrics("/srv", SUCCESS, SUCCESS);
    const text = metrics("/srv", FAILURE, undefined, previous);
    expect(samplesOf(text).filter((line) => line.includes("last_success"))).toEqual(
      samplesOf(previous).filter((line) => line.includes("last_success")),
    );
    expect(metrics("/srv", FAILURE, undefined, text)).toBe(text);
    const odd = metrics("/a\r\u2028b", SUCCESS, SUCCESS);
    expect(metrics("/a\r\u2028b", FAILURE, undefined, odd)).toContain("last_success_timestamp_seconds{");
  });

  it("takes nothing else from the file: not other stores, not other metrics, no damaged lines", () => {
    const previous = [
      metrics("/other", SUCCESS, SUCCESS),
      'registry_ctl_gc_last_success_timestamp_seconds{store="/srv"} soon',
      'registry_ctl_gc_last_success_timestamp_seconds{store="/srv",evil="1"} 5',
      'registry_ctl_gc_last_success_timestamp_seconds{store="/srv"} 1.2.3',
      "up 0",
    ].join("\n");
    expect(samplesOf(metrics("/srv", FAILURE, undefined, previous))).toEqual(
      samplesOf(metrics("/srv", FAILURE, undefined)),
    );
  });

  it("says nothing of a success where there was none", () => {
    expect(metrics("/srv", FAILURE, undefined)).not.toContain("last_success");
  });

  it("escapes the label", () => {
    expect(metrics('/a"b\\c\nd', FAILURE, undefined)).toContain('{store="/a\\"b\\\\c\\nd"}');
  });
});

function metrics(
  store: string,
  last: MeasuredRun,
  success: MeasuredRun | undefined,
  previous?: string,
): string {
  return renderMetrics({ store, last, success, previous });
}

function samplesOf(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
}
