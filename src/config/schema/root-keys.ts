import { AUTH_KEYS, MIDDLEWARE_KEYS } from "./auth-keys.ts";
import { DATABASE_KEYS } from "./database-keys.ts";
import { GC_KEYS } from "./gc-keys.ts";
import { HTTP_KEYS } from "./http-keys.ts";
import { integer, list, section, text } from "./key-builders.ts";
import { LOG_KEYS, OLD_LOG_LEVEL, PROFILING_KEYS, REPORTING_KEYS } from "./log-keys.ts";
import { REDIS_KEYS } from "./redis-keys.ts";
import {
  COMPATIBILITY_KEYS,
  HEALTH_KEYS,
  NOTIFICATION_KEYS,
  PROXY_KEYS,
  RATE_LIMITER_KEYS,
} from "./service-keys.ts";
import { STORAGE_KEYS } from "./storage-keys.ts";
import { VALIDATION_KEYS } from "./validation-keys.ts";

/**
 * Every key of config.yml in both dialects: CNCF Distribution's and that of GitLab's fork.
 * @see https://distribution.github.io/distribution/about/configuration/
 * @see https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/configuration.md
 */
export const ROOT_KEYS = section("config.yml", {
  version: text("version of this format: 0.1", { status: "implemented", required: true }),
  log: LOG_KEYS,
  loglevel: OLD_LOG_LEVEL,
  storage: STORAGE_KEYS,
  auth: AUTH_KEYS,
  middleware: MIDDLEWARE_KEYS,
  reporting: REPORTING_KEYS,
  profiling: PROFILING_KEYS,
  http: HTTP_KEYS,
  notifications: NOTIFICATION_KEYS,
  redis: REDIS_KEYS,
  health: HEALTH_KEYS,
  catalog: section("list of repositories", {
    maxentries: integer("most names in one answer", {
      dialect: "distribution",
      status: "implemented",
      default: 1000,
    }),
  }),
  tags: section("lists of tags", {
    maxtags: integer("most tags in one answer", {
      dialect: "distribution",
      status: "implemented",
      default: 1000,
    }),
  }),
  proxy: PROXY_KEYS,
  validation: VALIDATION_KEYS,
  policy: section(
    "policies",
    {
      repository: section("repositories", {
        classes: list("kinds of content that are taken", { status: "must-honour" }),
      }),
    },
    { dialect: "distribution" },
  ),
  compatibility: COMPATIBILITY_KEYS,
  database: DATABASE_KEYS,
  gc: GC_KEYS,
  rate_limiter: RATE_LIMITER_KEYS,
});
