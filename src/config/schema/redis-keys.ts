import { duration, flag, integer, list, secret, section, text } from "./key-builders.ts";
import type { Key } from "./key-types.ts";

const CONNECTION: Readonly<Record<string, Key>> = {
  addr: text("host:port of Redis; several with commas", { dialect: "gitlab" }),
  mainname: text("name of the main server at the sentinels", { dialect: "gitlab" }),
  username: text("user name"),
  password: secret("password"),
  sentinelusername: text("user name at the sentinels"),
  sentinelpassword: secret("password at the sentinels"),
  db: integer("number of the database", { default: 0, min: 0 }),
  dialtimeout: duration("limit of connecting"),
  readtimeout: duration("limit of a read"),
  writetimeout: duration("limit of a write"),
  tls: section("TLS", {
    enabled: flag("use it", { dialect: "gitlab", default: false }),
    insecure: flag("do not check the certificate", { dialect: "gitlab", default: false }),
    certificate: text("file with the client's certificate", { dialect: "distribution" }),
    key: text("file with the client's key", { dialect: "distribution" }),
    rootcas: list("files with authorities", { dialect: "distribution" }),
    clientcas: list("old name of rootcas", { dialect: "distribution" }),
  }),
  pool: section("connections", {
    size: integer("how many", { dialect: "gitlab", default: 10 }),
    maxlifetime: duration("how long one is used", { dialect: "gitlab" }),
    idletimeout: duration("how long one may be idle"),
    maxidle: integer("idle ones that are kept"),
    maxactive: integer("most at once"),
  }),
};

const DISTRIBUTION: Readonly<Record<string, Key>> = {
  addrs: list("host:port of each server", { dialect: "distribution" }),
  clientname: text("name of the connections", { dialect: "distribution" }),
  protocol: integer("version of the protocol", { dialect: "distribution" }),
  mastername: text("name of the main server at the sentinels", { dialect: "distribution" }),
  maxretries: integer("attempts after a failure", { dialect: "distribution" }),
  minretrybackoff: duration("shortest pause before a new attempt", { dialect: "distribution" }),
  maxretrybackoff: duration("longest pause before a new attempt", { dialect: "distribution" }),
  contexttimeoutenabled: flag("a request's limit counts for Redis", { dialect: "distribution" }),
  poolfifo: flag("use the oldest connection first", { dialect: "distribution" }),
  poolsize: integer("most connections for a processor", { dialect: "distribution" }),
  pooltimeout: duration("how long to wait for a connection", { dialect: "distribution" }),
  minidleconns: integer("fewest idle connections", { dialect: "distribution" }),
  maxidleconns: integer("most idle connections", { dialect: "distribution" }),
  maxactiveconns: integer("most connections", { dialect: "distribution" }),
  connmaxidletime: duration("how long a connection may be idle", { dialect: "distribution" }),
  connmaxlifetime: duration("how long a connection is used", { dialect: "distribution" }),
  maxredirects: integer("most redirects in a cluster", { dialect: "distribution" }),
  readonly: flag("read from replicas", { dialect: "distribution" }),
  routebylatency: flag("read from the nearest", { dialect: "distribution" }),
  routerandomly: flag("read from any", { dialect: "distribution" }),
};

function part(help: string): Key {
  return section(
    help,
    { enabled: flag("use it", { dialect: "gitlab", default: false }), ...CONNECTION },
    { dialect: "gitlab", optional: true },
  );
}

/** `redis`. */
export const REDIS_KEYS = section(
  "Redis, for the caches",
  {
    ...CONNECTION,
    ...DISTRIBUTION,
    cache: part("cache of the metadata database"),
    ratelimiter: part("counters of the rate limiter"),
    loadbalancing: part("state of the database's load balancing"),
  },
  { status: "pending", optional: true },
);
