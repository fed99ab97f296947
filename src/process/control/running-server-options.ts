import type { ComparableConfig } from "../../config/load-config.ts";
import type { Settings } from "../../config/settings.ts";
import type { ConfigurableLogger } from "../log/create-logger.ts";
import type { Collections, ServerStores } from "./server-stores.ts";
import type { ServingHost } from "./serving-host.ts";

/** Options of {@link import("./running-server.ts").RunningServer}. */
export interface RunningServerOptions {
  version: string;
  /** Reads what tells this program from another release in its place. */
  readBuild: () => string;
  config: ComparableConfig;
  /** Reads the configuration again, from where it was read at the start. */
  reread: () => Promise<ComparableConfig>;
  /** `--read-only-store`. */
  readOnlyStore: boolean;
  /** Folder of the store's state; undefined: what is asked for is forgotten when the server ends. */
  stateFolder: string | undefined;
  logger: ConfigurableLogger;
  /** Called before new workers are started with settings that others had not. @param isSameStore - they name the same store */
  prepare: (settings: Settings, isSameStore: boolean) => Promise<void>;
  stores: ServerStores;
  /** Called when other settings are in use. */
  onConfigured: (settings: Settings) => void;
  /** Called when writes are refused, or taken, from now on. */
  onReadOnly: () => void;
  /** Ends the server. */
  stop: () => void;
}

/** What a server turns out to be when its processes serve. */
export interface ServingParts {
  host: ServingHost;
  /** As clients see it. */
  address: string;
  /** Undefined: this server cannot collect. */
  collections: Collections | undefined;
}
