import type { Settings } from "../config/settings.ts";
import type { HeldName } from "../lib/held-name.ts";
import type { Logger } from "../lib/logger.ts";
import type { Registry } from "../registry/registry.ts";
import type { Answer, AnswerHeaders } from "./answer.ts";
import type { Audit } from "./audit.ts";
import type { AccessController } from "./auth/access.ts";
import type { BufferRings } from "./buffer-rings.ts";
import type { Coordination } from "./coordination/coordination.ts";
import type { Exchange } from "./exchange.ts";
import type { ExternalUrls } from "./external-url.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import type { ServerLimits } from "./server-limits.ts";
import type { UploadState } from "./upload-state.ts";
import type { WritesInFlight } from "./writes-in-flight.ts";

/** What all requests of a server share. */
export interface ServerContext {
  registry: Registry;
  settings: Settings;
  coordination: Coordination;
  /** Undefined: nothing is written down. */
  audit: Audit | undefined;
  /** Undefined: everybody may do everything. */
  access: AccessController | undefined;
  logger: Logger;
  accessLog: (line: string) => void;
  limits: ServerLimits;
  /** Go with every answer. */
  headers: AnswerHeaders;
  urls: ExternalUrls;
  uploadState: UploadState;
  manifestMemory: MemoryBudget;
  rings: BufferRings;
  writes: WritesInFlight;
  /** Writes are refused. May change while the server runs. */
  readOnly: boolean;
  /** Repositories that take no writes for the moment. May change while the server runs. */
  heldNames: readonly HeldName[];
  /** The server is about to stop: connections are not kept. */
  draining: boolean;
}

/** Answers one kind of request. Throws what the error table knows. */
export type Handler = (context: ServerContext, exchange: Exchange) => Answer | Promise<Answer>;
