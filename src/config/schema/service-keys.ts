import {
  duration,
  flag,
  fraction,
  headers,
  integer,
  list,
  map,
  secret,
  section,
  text,
  word,
} from "./key-builders.ts";

const IGNORE_KEYS = section("events that are not sent", {
  mediatypes: list("by media type"),
  actions: list("by action"),
});

/** `notifications`. */
export const NOTIFICATION_KEYS = section("events sent to other programs", {
  events: section(
    "what events hold",
    {
      includereferences: flag("list what a manifest refers to", { dialect: "distribution", default: false }),
    },
    { status: "pending", goName: "EVENTCONFIG" },
  ),
  fanouttimeout: duration("how long to wait for events that are under way at the end", { dialect: "gitlab" }),
  endpoints: list("who gets events", {
    items: section("one receiver", {
      name: text("its name"),
      disabled: flag("switch it off", { default: false }),
      url: text("address that events are posted to"),
      headers: headers("headers sent along", { secret: true }),
      timeout: duration("limit of one request"),
      threshold: integer("failures before a pause"),
      maxretries: integer("attempts after a failure", { dialect: "gitlab", default: 10 }),
      backoff: duration("pause after failures"),
      queuepurgetimeout: duration("how long to empty the queue at the end", { dialect: "gitlab" }),
      queuesizelimit: integer("most events in the queue", { dialect: "gitlab", default: 3000 }),
      ignoredmediatypes: list("media types whose events are not sent"),
      ignore: IGNORE_KEYS,
    }),
  }),
});

/** `health`. */
export const HEALTH_KEYS = section("health checks", {
  storagedriver: section(
    "of the storage",
    {
      enabled: flag("check it", { default: false }),
      interval: duration("time between checks", { defaultMs: 10_000 }),
      threshold: integer("failures before it counts as ill"),
    },
    { status: "pending" },
  ),
  database: section(
    "of the metadata database",
    {
      enabled: flag("check it", { default: false }),
      interval: duration("time between checks"),
      threshold: integer("failures before it counts as ill"),
      timeout: duration("limit of a check"),
    },
    { dialect: "gitlab", status: "pending", optional: true },
  ),
  file: list("files whose existence means ill", {
    goName: "FILECHECKERS",
    items: section("one file", {
      file: text("its path"),
      interval: duration("time between checks"),
      threshold: integer("failures before it counts as ill"),
    }),
  }),
  http: list("addresses that must answer", {
    goName: "HTTPCHECKERS",
    items: section("one address", {
      uri: text("the address"),
      headers: headers("headers sent along", { secret: true }),
      statuscode: integer("status that is expected", { default: 200 }),
      timeout: duration("limit of a check"),
      interval: duration("time between checks"),
      threshold: integer("failures before it counts as ill"),
    }),
  }),
  tcp: list("addresses that must take connections", {
    goName: "TCPCHECKERS",
    items: section("one address", {
      addr: text("host:port"),
      timeout: duration("limit of a check"),
      interval: duration("time between checks"),
      threshold: integer("failures before it counts as ill"),
    }),
  }),
});

/** `rate_limiter`. */
export const RATE_LIMITER_KEYS = section(
  "limits of requests by address",
  {
    enabled: flag("switch them on", { default: false }),
    limiters: list("the limits", {
      items: section("one limit", {
        name: text("its name"),
        description: text("what it is for"),
        log_only: flag("only log what would be refused", { default: false }),
        match: section("whom it counts for", { type: word("by what", ["IP"], { ignoreCase: true }) }),
        precedence: integer("order among limits"),
        limit: section("the limit", {
          rate: fraction("requests in a period"),
          period: text("the period"),
          burst: fraction("requests at once"),
        }),
        action: section("what happens", {
          warn_threshold: fraction("share of the limit that is warned at"),
          warn_action: text("what a warning is"),
          hard_action: text("what happens at the limit"),
        }),
      }),
    }),
  },
  { dialect: "gitlab", status: "pending", optional: true },
);

/** `proxy`: a pull-through cache, which takes no pushes. */
export const PROXY_KEYS = section(
  "a cache in front of another registry",
  {
    remoteurl: text("address of the other registry"),
    username: text("user name there"),
    password: secret("password there"),
    exec: section("a program that gives the password", {
      command: text("the program"),
      lifetime: duration("how long the password is used"),
    }),
    ttl: duration("how long something is kept, 0 for ever"),
    cachewritetimeout: duration("limit of storing what was fetched"),
  },
  {
    dialect: "distribution",
    status: "must-honour",
    optional: true,
    inert: (node) => {
      const url = node.kind === "map" ? node.entries.get("remoteurl")?.value : undefined;
      return node.kind !== "map"
        ? node.kind === "scalar" && node.text === undefined
        : url?.kind !== "scalar" || !url.text;
    },
  },
);

/** `compatibility` of old Distribution releases. */
export const COMPATIBILITY_KEYS = section(
  "things of the past",
  { schema1: map("manifests of schema 1, which no registry takes any more") },
  { dialect: "distribution", status: "pending", optional: true },
);
