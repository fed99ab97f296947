import { duration, flag, integer, secret, section, text, word } from "./key-builders.ts";
import type { Key } from "./key-types.ts";

const CREDENTIAL_KINDS = ["client_secret", "shared_key", "default_credentials"];

/** What both drivers know of Azure. */
const COMMON: Readonly<Record<string, Key>> = {
  accountname: text("storage account", { required: true }),
  accountkey: secret("key of the storage account, base64"),
  container: text("container", { required: true }),
  rootdirectory: text("folder in the container", { default: "" }),
  realm: text("domain of the storage service", { default: "core.windows.net" }),
  serviceurl: text("address of the storage service", { dialect: "gitlab" }),
  legacyrootprefix: flag("keep the leading slash of old paths", { dialect: "gitlab", default: false }),
  trimlegacyrootprefix: flag("drop the leading slash of old paths", { dialect: "gitlab", default: true }),
  max_retries: integer("attempts after a failure", { default: 5, min: 0 }),
  retry_delay: duration("pause before a new attempt", { defaultMs: 100 }),
};

const DISTRIBUTION: Readonly<Record<string, Key>> = {
  credentials: section(
    "how to log in",
    {
      type: word("kind", CREDENTIAL_KINDS),
      clientid: text("client"),
      tenantid: text("tenant"),
      secret: secret("the client's secret"),
    },
    { dialect: "distribution", status: "pending", optional: true },
  ),
};

const GITLAB: Readonly<Record<string, Key>> = {
  credentials_type: word("how to log in", CREDENTIAL_KINDS, { dialect: "gitlab", default: "shared_key" }),
  tenant_id: text("tenant", { dialect: "gitlab" }),
  client_id: text("client", { dialect: "gitlab" }),
  secret: secret("the client's secret", { dialect: "gitlab" }),
  api_pool_initial_interval: duration("first pause between questions about a copy", { dialect: "gitlab" }),
  api_pool_max_interval: duration("longest pause between them", { dialect: "gitlab" }),
  api_pool_max_elapsed_time: duration("how long to ask", { dialect: "gitlab" }),
  retry_try_timeout: duration("limit of one attempt", { dialect: "gitlab" }),
  max_retry_delay: duration("longest pause before a new attempt", { dialect: "gitlab", defaultMs: 60_000 }),
  debug_log: flag("log requests", { dialect: "gitlab", default: false }),
};

const DRIVER = { optional: true, open: true, looseStrings: true } as const;

/** `storage.azure`, of both dialects. */
export const AZURE_KEYS = section("an Azure container", { ...COMMON, ...DISTRIBUTION, ...GITLAB }, DRIVER);

/** `storage.azure_v2`, GitLab's newer Azure driver. */
export const AZURE_V2_KEYS = section(
  "an Azure container (GitLab's second driver)",
  {
    ...COMMON,
    ...GITLAB,
    max_retries: integer("attempts after a failure", { dialect: "gitlab", default: 3, min: 0 }),
    retry_delay: duration("pause before a new attempt", { dialect: "gitlab", defaultMs: 4000 }),
  },
  { ...DRIVER, dialect: "gitlab" },
);
