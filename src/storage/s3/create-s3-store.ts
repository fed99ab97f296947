import type { S3StorageSettings } from "../../config/settings.ts";
import { type Environment, hasProxy } from "../../lib/proxy-rules.ts";
import { ConnectionPools, type ConnectionTimeouts } from "./connection-pools.ts";
import { CredentialsSource } from "./credentials-source.ts";
import { resolveEndpoint } from "./endpoint-address.ts";
import { keyMapper } from "./key-mapper.ts";
import { objectHeadersOf, objectParametersOf } from "./object-options.ts";
import { proxyFor } from "./proxy-rules.ts";
import { loggedLane, type RequestLog } from "./request-log.ts";
import type { S3Store } from "./s3-store.ts";
import { lazySdkClient } from "./sdk-client.ts";
import { createLane } from "./send-request.ts";
import { createRequestRate } from "./shared-rate.ts";
import { errorTranslator } from "./translate-error.ts";

/** Options of {@link createS3Store}. */
export interface S3StoreOptions {
  /**
   * A folder that all processes of this host share which work on the bucket; they keep `maxRequestsPerSecond` together.
   * Undefined: this process keeps it alone.
   */
  rateFolder?: string | undefined;
  /** Told what a person should know, at most once for each cause. */
  onNotice?: ((message: string) => void) | undefined;
  /** For HTTPS_PROXY, HTTP_PROXY and NO_PROXY. Default: there are none. */
  env?: Environment | undefined;
  /** Told of each request, if `loglevel` is not off. */
  onRequest?: RequestLog | undefined;
  /** How long the lane waits for the store. */
  timeouts?: Partial<ConnectionTimeouts> | undefined;
  /** Milliseconds since 1970, by the clock of this host. */
  now?: (() => number) | undefined;
  /** The lane's pauses between attempts; rejects when the signal is aborted. */
  sleep?: ((delayMs: number, signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Between 0 and 1; 0: there are no pauses between attempts, but where the store asks for one. */
  random?: (() => number) | undefined;
}

/**
 * Makes what all parts of the driver share for one bucket. Nothing is asked of the store, and the SDK is loaded at the first
 * request.
 */
export function createS3Store(settings: S3StorageSettings, options: S3StoreOptions = {}): S3Store {
  const requests: Record<string, number> = {};
  const busyAnswers = { count: 0 };
  const rate = createRequestRate({
    perSecond: settings.maxRequestsPerSecond,
    folder: options.rateFolder,
    onNotice: options.onNotice,
    now: options.now,
  });
  const log = settings.logLevel === "off" ? undefined : options.onRequest;
  const { now = Date.now, random, env = {} } = options;
  const connections = new ConnectionPools({
    skipVerify: settings.skipVerify,
    timeouts: options.timeouts,
    proxyFor: hasProxy(env) ? (origin) => proxyFor(origin, env) : undefined,
  });
  const proxied = hasProxy(env) ? connections : undefined;
  const renewKey = (): Promise<boolean> => credentials.renewAny(now());
  const sdk = lazySdkClient(settings, { requests, rate, log, proxied }, { now, random, renewKey });
  const credentials = new CredentialsSource(settings, sdk);
  const lane = createLane({
    settings,
    requests,
    rate,
    credentials,
    address: () => sdk().then((client) => resolveEndpoint(client, settings)),
    connections,
    onBusy: () => {
      busyAnswers.count++;
    },
    now: options.now,
    sleep: options.sleep,
    random: options.random,
  });
  const keys = keyMapper(settings.rootDirectory);
  const location = `s3://${settings.bucket}${settings.rootDirectory === "" ? "" : `/${settings.rootDirectory}`}`;
  return {
    settings,
    location,
    lane: log === undefined ? lane : loggedLane(lane, log),
    busyAnswers,
    sdk,
    objectHeaders: objectHeadersOf(settings),
    objectParameters: objectParametersOf(settings),
    ...keys,
    translate: errorTranslator({ settings, location, credentials }),
  };
}
