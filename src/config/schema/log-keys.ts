import { flag, list, map, secret, section, text, word } from "./key-builders.ts";

const MAIL_OPTIONS = section(
  "how mails are sent",
  {
    smtp: section("mail server", {
      addr: text("host:port of the mail server"),
      username: text("user name at the mail server"),
      password: secret("password at the mail server"),
      insecure: flag("do not check the mail server's certificate", { default: false }),
    }),
    from: text("sender's address"),
    to: list("receivers' addresses"),
  },
  { goName: "MAILOPTIONS" },
);

/** `log`. */
export const LOG_KEYS = section("structured log and access log", {
  level: word("least severity that is logged", ["error", "warn", "info", "debug", "trace"], {
    status: "implemented",
    default: "info",
    ignoreCase: true,
  }),
  formatter: word("form of the structured log", ["text", "json", "logstash"], {
    status: "implemented",
    default: "text",
  }),
  fields: map("fields added to every line of the structured log", { status: "implemented" }),
  accesslog: section("access log", {
    disabled: flag("write no access log", { status: "implemented", default: false }),
    formatter: word("form of the access log", ["text", "json"], { dialect: "gitlab", default: "text" }),
  }),
  output: word("stream of the log", ["stdout", "stderr"], { dialect: "gitlab", default: "stderr" }),
  hooks: list("mails sent for log lines", {
    dialect: "distribution",
    items: section("one hook", {
      disabled: flag("switch the hook off", { default: false }),
      type: text("kind of the hook: mail"),
      levels: list("severities that set the hook off"),
      options: MAIL_OPTIONS,
    }),
  }),
  reportcaller: flag("log the place in the code", { dialect: "distribution", default: false }),
});

/** `loglevel`, the old name of `log.level`. */
export const OLD_LOG_LEVEL = word("old name of log.level", ["error", "warn", "info", "debug"], {
  status: "implemented",
  ignoreCase: true,
});

/** `reporting`. */
export const REPORTING_KEYS = section("error reporting to a service", {
  sentry: section(
    "Sentry",
    {
      enabled: flag("report errors to Sentry", { default: false }),
      dsn: secret("address of the Sentry project"),
      environment: text("environment that errors are filed under"),
    },
    { dialect: "gitlab", status: "pending", optional: true },
  ),
  bugsnag: section(
    "Bugsnag",
    {
      apikey: secret("Bugsnag's key"),
      releasestage: text("where the registry runs"),
      endpoint: text("address of an own Bugsnag server"),
    },
    { dialect: "distribution", status: "pending", optional: true },
  ),
  newrelic: section(
    "New Relic",
    {
      licensekey: secret("New Relic's key"),
      name: text("name of the component"),
      verbose: flag("debug output", { default: false }),
    },
    { dialect: "distribution", status: "pending", optional: true },
  ),
});

/** `profiling`. */
export const PROFILING_KEYS = section(
  "profiling by a service",
  {
    stackdriver: section("Stackdriver", {
      enabled: flag("send profiles to Stackdriver", { default: false }),
      service: text("name of the service"),
      serviceversion: text("version of the service"),
      projectid: text("Google project"),
      keyfile: text("file with the service account's key"),
    }),
  },
  { dialect: "gitlab", status: "pending", optional: true },
);
