import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { S3StorageSettings } from "../../config/settings.ts";
import { type ConnectionPools, DEFAULT_TIMEOUTS } from "./connection-pools.ts";
import { countRequest, kindOfCommand } from "./request-counts.ts";
import { logSdkRequests, type RequestLog } from "./request-log.ts";
import { followSdkRedirects } from "./sdk-redirects.ts";
import { sdkRequestHandler } from "./sdk-request-handler.ts";
import { type SdkRetryOptions, sdkRetries } from "./sdk-retries.ts";
import type { RequestRate } from "./shared-rate.ts";

/** What each request of the SDK takes part in. */
export interface RequestMeters {
  /** Counted into. */
  requests: Record<string, number>;
  rate: RequestRate;
  log?: RequestLog | undefined;
  /** Connections that know of proxies; undefined where there are none, so that the SDK's own do. */
  proxied?: Pick<ConnectionPools, "dispatcherFor"> | undefined;
}

/** Without a byte either way. A copy or a completion on the server takes its time before it answers. */
const SDK_SILENCE_MS = 300_000;
/** Parts of many uploads at once; they are bounded elsewhere. */
const MAX_SDK_SOCKETS = 256;

/** @returns what loads the SDK and makes its client at the first call, and gives the same client from then on */
export function lazySdkClient(
  settings: S3StorageSettings,
  meters: RequestMeters,
  retries: SdkRetryOptions = {},
): () => Promise<S3Client> {
  let client: Promise<S3Client> | undefined;
  return () => {
    client ??= createSdkClient(settings, meters, retries);
    return client;
  };
}

/**
 * Makes a client of the SDK with what the configuration says. It keeps the same rate, is counted with, and tries again by
 * the same rules as the lane.
 */
export async function createSdkClient(
  settings: S3StorageSettings,
  meters: RequestMeters,
  retries: SdkRetryOptions = {},
): Promise<S3Client> {
  const { S3Client } = await import("@aws-sdk/client-s3");
  const { proxied } = meters;
  const config = sdkConfig(settings, retries);
  if (proxied !== undefined) {
    config.requestHandler = sdkRequestHandler((origin) => proxied.dispatcherFor(origin), SDK_SILENCE_MS);
  }
  const client = new S3Client(config);
  client.middlewareStack.add(
    (next, context) => async (args) => {
      await meters.rate.take(undefined);
      countRequest(meters.requests, kindOfCommand(context.commandName ?? ""));
      if (settings.userAgent !== "") setUserAgent(args.request, settings.userAgent);
      return await next(args);
    },
    // Behind the retries, so that each attempt comes by.
    { step: "deserialize", priority: "low", name: "registryCtlMeters" },
  );
  if (meters.log !== undefined) logSdkRequests(client, meters.log);
  followSdkRedirects(client, settings.bucket);
  return client;
}

/** The SDK only lets one add to its own; the header is not signed. */
function setUserAgent(request: unknown, userAgent: string): void {
  if (typeof request !== "object" || request === null || !("headers" in request)) return;
  if (typeof request.headers === "object") Object.assign(request.headers ?? {}, { "user-agent": userAgent });
}

function sdkConfig(settings: S3StorageSettings, retries: SdkRetryOptions): S3ClientConfig {
  const { checksums, credentials } = settings;
  const when = checksums.when === "supported" ? "WHEN_SUPPORTED" : "WHEN_REQUIRED";
  const agent = { keepAlive: true, maxSockets: MAX_SDK_SOCKETS };
  const config: S3ClientConfig = {
    region: settings.region,
    forcePathStyle: settings.pathStyle,
    useAccelerateEndpoint: settings.accelerate,
    useDualstackEndpoint: settings.dualStack,
    useFipsEndpoint: settings.fips,
    requestChecksumCalculation: when,
    responseChecksumValidation: when,
    maxAttempts: settings.maxRetries + 1,
    retryStrategy: sdkRetries(settings.maxRetries, retries),
    // It would cost a connection of its own for each part.
    expectContinueHeader: false,
    disableS3ExpressSessionAuth: true,
    requestHandler: {
      connectionTimeout: DEFAULT_TIMEOUTS.connectMs,
      // Not a limit for a whole request: a large part may take long over a slow line.
      requestTimeout: 0,
      socketTimeout: SDK_SILENCE_MS,
      httpAgent: agent,
      httpsAgent: { ...agent, rejectUnauthorized: !settings.skipVerify },
    },
  };
  if (settings.endpoint !== "") config.endpoint = settings.endpoint;
  if (credentials !== undefined) {
    const { accessKey, secretKey, sessionToken } = credentials;
    config.credentials = {
      accessKeyId: accessKey,
      secretAccessKey: secretKey,
      ...(sessionToken === "" ? {} : { sessionToken }),
    };
  }
  return config;
}
