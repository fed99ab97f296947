import { duration, flag, fraction, section, text } from "./key-builders.ts";

/** `gc`: collecting garbage while the registry serves. GitLab's keys, as far as they mean something without its database. */
export const GC_KEYS = section(
  "garbage collection while the registry serves; runs without a command only where disabled: false is written",
  {
    disabled: flag(
      "false starts real collections: the server deletes by itself what nothing needs; true, or without the key, only a command does",
      { status: "implemented" },
    ),
    interval: duration("time from the end of a collection to the next one; 24h by default", {
      status: "implemented",
    }),
    window: text("local times between which collections run, such as 22:00-06:00", {
      status: "implemented",
    }),
    maxops: fraction("deletions a second, at the most; 0 for no limit", {
      status: "implemented",
      default: 0,
    }),
    reviewafter: duration(
      "how long nothing is collected that a client has pushed or asked for; 24h by default, -1 for no time (an hour on object stores)",
      { status: "implemented" },
    ),
    maxbackoff: duration("longest pause after errors", { status: "noop" }),
    errorcooldownperiod: duration("pause after an error", { status: "noop" }),
    noidlebackoff: flag("do not slow down when idle", { status: "noop", default: false }),
    transactiontimeout: duration("limit of a database transaction", { status: "noop" }),
    manifests: section("untagged manifests", {
      disabled: flag("leave untagged manifests alone", { status: "implemented", default: false }),
      interval: duration("time between two looks, at the least 1h; gc.interval goes before it", {
        status: "implemented",
      }),
    }),
    blobs: section("blobs", {
      disabled: flag("collect nothing without a command, as if gc.disabled were set", {
        status: "implemented",
        default: false,
      }),
      interval: duration("time between two looks, at the least 1h; gc.interval goes before it", {
        status: "implemented",
      }),
      storagetimeout: duration("limit of a storage operation", { status: "noop" }),
    }),
  },
  { dialect: "gitlab", optional: true },
);
