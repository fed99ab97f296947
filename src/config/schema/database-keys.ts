import { duration, flag, integer, list, secret, section, text } from "./key-builders.ts";

/** `database`: GitLab's metadata database. With it, the links in storage are not the truth. */
export const DATABASE_KEYS = section(
  "metadata database",
  {
    enabled: flag("keep metadata in PostgreSQL", {
      status: "must-honour",
      default: false,
      otherWords: ["prefer"],
    }),
    host: text("host or socket folder", { status: "noop" }),
    port: integer("port", { status: "noop", min: 0, max: 65_535 }),
    user: text("user name", { status: "noop" }),
    password: secret("password", { status: "noop" }),
    dbname: text("name of the database", { status: "noop" }),
    sslmode: text("how TLS is used", { status: "noop" }),
    sslcert: text("file with the client's certificate", { status: "noop" }),
    sslkey: text("file with the client's key", { status: "noop" }),
    sslrootcert: text("file with the authorities", { status: "noop" }),
    connecttimeout: duration("limit of connecting", { status: "noop" }),
    draintimeout: duration("how long connections may go on at the end", { status: "noop" }),
    preparedstatements: flag("use prepared statements", { status: "noop", default: false }),
    primary: text("address of the primary", { status: "noop" }),
    pool: section("connections", {
      maxidle: integer("idle ones that are kept", { status: "noop" }),
      maxopen: integer("most at once", { status: "noop" }),
      maxlifetime: duration("how long one is used", { status: "noop" }),
      maxidletime: duration("how long one may be idle", { status: "noop" }),
    }),
    backgroundmigrations: section("migrations beside the work", {
      enabled: flag("run them", { status: "noop" }),
      maxjobretries: integer("attempts", { status: "noop" }),
      jobinterval: duration("time between jobs", { status: "noop" }),
    }),
    loadbalancing: section("replicas", {
      enabled: flag("use them", { status: "noop" }),
      hosts: list("their hosts", { status: "noop" }),
      nameserver: text("where they are looked up", { status: "noop" }),
      port: integer("port of the name server", { status: "noop" }),
      record: text("record they are looked up by", { status: "noop" }),
      replicacheckinterval: duration("time between look-ups", { status: "noop" }),
    }),
    metrics: section("figures", {
      enabled: flag("gather them", { status: "noop" }),
      interval: duration("time between gatherings", { status: "noop" }),
      leaseduration: duration("how long one node gathers", { status: "noop" }),
    }),
  },
  { dialect: "gitlab", optional: true, looseStrings: true },
);
