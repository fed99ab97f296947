import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { HttpSettings, Settings } from "../../src/config/settings.ts";
import { Registry } from "../../src/registry/registry.ts";
import type { Audit } from "../../src/server/audit.ts";
import type { AccessController } from "../../src/server/auth/access.ts";
import { createRegistryServer, type RegistryServer } from "../../src/server/create-server.ts";
import type { ServerLimits } from "../../src/server/server-limits.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { RecordingCoordination } from "./recording-coordination.ts";
import { type LoggedLine, recordingLogger } from "./recording-logger.ts";

/** A registry that listens in the test's own process. */
export interface InProcessServer {
  url: string;
  port: number;
  registry: Registry;
  driver: StorageDriver;
  coordination: RecordingCoordination;
  accessLines: string[];
  logged: LoggedLine[];
  control: RegistryServer;
  close(): Promise<void>;
}

/** Differences from the settings and bounds of a plain server. */
export interface InProcessOptions {
  settings?: Partial<Omit<Settings, "http">>;
  http?: Partial<HttpSettings>;
  limits?: Partial<ServerLimits>;
  driver?: StorageDriver;
  secret?: string;
  /** Access control in place of what `settings.auth` asks for. */
  access?: AccessController;
  audit?: Audit;
}

/** Starts a registry on a free port of the loopback interface, in memory unless a driver is given. */
export async function startInProcessServer(options: InProcessOptions = {}): Promise<InProcessServer> {
  const driver = options.driver ?? new MemoryDriver();
  const registry = new Registry(driver);
  const coordination = new RecordingCoordination();
  const accessLines: string[] = [];
  const logged: LoggedLine[] = [];
  const control = createRegistryServer({
    registry,
    settings: testSettings(options),
    coordination,
    logger: recordingLogger(logged),
    accessLog: (line) => accessLines.push(line),
    secret: options.secret ?? "a secret of the tests",
    ...(options.limits ? { limits: options.limits } : {}),
    ...(options.access ? { access: options.access } : {}),
    audit: options.audit,
  });
  control.server.listen(0, "127.0.0.1");
  await once(control.server, "listening");
  const { port } = control.server.address() as AddressInfo;
  const scheme = options.http?.tls ? "https" : "http";
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    registry,
    driver,
    coordination,
    accessLines,
    logged,
    control,
    close: async () => {
      control.closeAllConnections();
      await new Promise((resolve) => control.server.close(resolve));
    },
  };
}

function testSettings(options: InProcessOptions): Settings {
  return {
    log: { level: "info", formatter: "text", fields: {}, accessLogDisabled: false },
    storage: { driver: "inmemory" },
    deleteEnabled: true,
    readOnly: false,
    redirect: { enabled: true, expiryMs: 1_200_000 },
    uploadPurging: { enabled: false, ageMs: 1, intervalMs: 1, dryRun: false },
    catalogMaxEntries: 1000,
    tagsMaxTags: 1000,
    auth: undefined,
    gc: { reviewAfterMs: 86_400_000, continuous: undefined },
    ...options.settings,
    http: {
      addr: "127.0.0.1:0",
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
      ...options.http,
    },
  };
}
