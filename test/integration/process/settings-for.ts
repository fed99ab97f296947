import type { Settings } from "../../../src/config/settings.ts";

/** Settings of a server on a filesystem store, for tests. */
export function settingsFor(rootDirectory: string, addr: string): Settings {
  return {
    log: { level: "info", formatter: "text", fields: {}, accessLogDisabled: false },
    storage: { driver: "filesystem", rootDirectory, maxThreads: 100 },
    deleteEnabled: true,
    readOnly: false,
    redirect: { enabled: true, expiryMs: 1_200_000 },
    uploadPurging: { enabled: false, ageMs: 0, intervalMs: 0, dryRun: false },
    catalogMaxEntries: 1000,
    tagsMaxTags: 1000,
    http: {
      addr,
      net: "tcp",
      prefix: "/",
      host: "",
      secret: "",
      relativeUrls: false,
      drainTimeoutMs: 0,
      headers: {},
      tls: undefined,
      http2: true,
      h2c: false,
    },
    auth: undefined,
    gc: { reviewAfterMs: 86_400_000, continuous: undefined },
  };
}
