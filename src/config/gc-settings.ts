import { parseTimeOfDay } from "../lib/time-of-day.ts";
import type { FindingKind } from "./finding.ts";
import { formatGoDuration } from "./go-duration.ts";
import type { ConfigValue } from "./schema/key-types.ts";
import type { CollectionSettings, ContinuousCollectionSettings } from "./settings.ts";

const HOUR_MS = 3_600_000;
/** GitLab's default of `gc.reviewafter`. */
const DEFAULT_REVIEW_AFTER_MS = 24 * HOUR_MS;
const DEFAULT_INTERVAL_MS = 24 * HOUR_MS;
/** Each collection reads the whole store. */
const SHORTEST_INTERVAL_MS = 60_000;
/** GitLab's intervals are those between two tasks of one item each, five seconds by default: too short for a whole store. */
const SHORTEST_TASK_INTERVAL_MS = HOUR_MS;

/** What stands under `gc`. */
export interface WrittenCollection {
  /** @returns the value of the key `gc.<name>`; undefined if it is not there */
  value: (name: string) => ConfigValue | undefined;
  /** Takes a remark about that key. */
  say: (kind: FindingKind, name: string, message: string) => void;
}

/**
 * Makes settings of `gc`. The server collects by itself only where `disabled: false` is written: for the Go registry
 * nothing of this counts without its metadata database, so that a file which was made for it must not begin to delete.
 */
export function collectionSettingsOf(written: WrittenCollection): CollectionSettings {
  return { reviewAfterMs: reviewAfterOf(written), continuous: continuousOf(written) };
}

/** As in the Go registry a negative time stands for none, and 0 for the default. */
function reviewAfterOf({ value }: WrittenCollection): number {
  const ms = numberOf(value("reviewafter")) ?? 0;
  if (ms < 0) return 0;
  return ms === 0 ? DEFAULT_REVIEW_AFTER_MS : Math.ceil(ms);
}

function continuousOf(written: WrittenCollection): ContinuousCollectionSettings | undefined {
  const { value, say } = written;
  const window = windowOf(written);
  const maxOpsPerSecond = numberOf(value("maxops")) ?? 0;
  if (maxOpsPerSecond < 0) say("fatal", "maxops", "must not be negative");
  const intervalMs = intervalOf(written);
  if (value("disabled") !== false || value("blobs.disabled") === true) {
    const others = ["interval", "window", "maxops"].filter((name) => value(name) !== undefined);
    const [first] = others;
    const isOff = value("disabled") === true || value("blobs.disabled") === true;
    if (first !== undefined && !isOff) say("problem", first, "is of no effect without gc.disabled: false");
    return undefined;
  }
  return { intervalMs, deleteUntagged: value("manifests.disabled") !== true, window, maxOpsPerSecond };
}

function intervalOf({ value, say }: WrittenCollection): number {
  const own = numberOf(value("interval"));
  if (own !== undefined) {
    if (own >= SHORTEST_INTERVAL_MS) return Math.ceil(own);
    say(
      "warning",
      "interval",
      `counts as ${formatGoDuration(SHORTEST_INTERVAL_MS)}: each collection reads the whole store`,
    );
    return SHORTEST_INTERVAL_MS;
  }
  const tasks = ["manifests.interval", "blobs.interval"].flatMap((name) => {
    const ms = numberOf(value(name));
    return ms === undefined || ms <= 0 ? [] : [ms];
  });
  if (tasks.length === 0) return DEFAULT_INTERVAL_MS;
  return Math.max(SHORTEST_TASK_INTERVAL_MS, Math.ceil(Math.min(...tasks)));
}

function windowOf({ value, say }: WrittenCollection): ContinuousCollectionSettings["window"] {
  const text = value("window");
  if (typeof text !== "string" || text === "") return undefined;
  const [from, to, ...rest] = text.split("-").map((part) => parseTimeOfDay(part.trim()));
  if (!from || !to || rest.length > 0) {
    say(
      "fatal",
      "window",
      `must be two times of the day such as 22:00-06:00, not ${JSON.stringify(text.slice(0, 40))}`,
    );
    return undefined;
  }
  const window = { fromMinute: from.hour * 60 + from.minute, toMinute: to.hour * 60 + to.minute };
  return window.fromMinute === window.toMinute ? undefined : window;
}

function numberOf(value: ConfigValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}
