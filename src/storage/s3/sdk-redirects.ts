import type { S3Client } from "@aws-sdk/client-s3";
import type { EndpointAddress } from "./endpoint-address.ts";
import { redirectTarget } from "./redirect-target.ts";
import { sdkRefusalOf } from "./sdk-refusal.ts";

/** What the SDK knows of a request before it is signed. */
interface PlacedRequest {
  protocol: string;
  hostname: string;
  port?: number | undefined;
  path: string;
}

/**
 * Has the SDK follow a temporary redirection once, signed anew, as the lane does: by itself it follows none.
 */
export function followSdkRedirects(client: S3Client, bucket: string): void {
  const targets = new WeakMap<object, EndpointAddress>();
  const sentTo = new WeakMap<object, EndpointAddress>();
  client.middlewareStack.add(
    (next, context) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        const refusal = sdkRefusalOf(error);
        const from = sentTo.get(context);
        if (refusal?.status !== 307 || from === undefined) throw error;
        const target = redirectTarget(refusal.headers["location"], from, bucket);
        if (target === undefined) throw error;
        targets.set(context, target);
        return await next(args);
      }
    },
    { step: "initialize", priority: "low", name: "registryCtlFollow" },
  );
  client.middlewareStack.add(
    (next, context) => async (args) => {
      const { request } = args;
      if (isPlaced(request)) {
        const target = targets.get(context);
        if (target === undefined) sentTo.set(context, addressOf(request));
        else sendTo(request, target, bucket);
      }
      return await next(args);
    },
    // Before the header with the host's name is made.
    { step: "build", priority: "high", name: "registryCtlRedirected" },
  );
}

function isPlaced(request: unknown): request is PlacedRequest {
  return typeof request === "object" && request !== null && "hostname" in request && "path" in request;
}

function addressOf({ protocol, hostname, port }: PlacedRequest): EndpointAddress {
  const { origin, host } = new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}`);
  return { origin, host, basePath: "", signingRegion: "", signingName: "" };
}

function sendTo(request: PlacedRequest, target: EndpointAddress, bucket: string): void {
  const isInHost = request.hostname.startsWith(`${bucket}.`);
  const inBucket = isInHost ? request.path : request.path.slice(bucket.length + 1);
  const { protocol, hostname, port } = new URL(target.origin);
  request.protocol = protocol;
  request.hostname = hostname;
  request.port = port === "" ? undefined : Number(port);
  request.path = target.basePath + inBucket || "/";
}
