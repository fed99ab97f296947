import type { S3Client } from "@aws-sdk/client-s3";
import type { S3StorageSettings } from "../../config/settings.ts";

/** Where requests for a bucket go, and what they are signed for. */
export interface EndpointAddress {
  /** Scheme, host and port. */
  origin: string;
  /** As in the `Host` header. */
  host: string;
  /** Put before the path of each key: empty, or the bucket where that is not part of the host. */
  basePath: string;
  signingRegion: string;
  signingName: string;
}

/**
 * Asks the SDK where it would send requests for the bucket: its rules know of path style, dual stack, FIPS, acceleration,
 * access points and all partitions. No request is made of the store. The SDK looks for credentials on its way.
 */
export async function resolveEndpoint(
  client: S3Client,
  settings: S3StorageSettings,
): Promise<EndpointAddress> {
  const { HeadObjectCommand } = await import("@aws-sdk/client-s3");
  const command = new HeadObjectCommand({ Bucket: settings.bucket, Key: "key" });
  let address: EndpointAddress | undefined;
  // By the time a request is built the endpoint is known; what stands here instead of the next step ends it.
  command.middlewareStack.add(
    (_next, context) => () => {
      const { endpointV2 } = context;
      const [scheme] = context.authSchemes ?? [];
      if (endpointV2 !== undefined) {
        const { origin, host, pathname } = endpointV2.url;
        address = {
          origin,
          host,
          basePath: pathname.replace(/\/+$/, ""),
          signingRegion: scheme?.signingRegion || settings.region,
          signingName: scheme?.signingName || "s3",
        };
      }
      return Promise.resolve({ response: undefined, output: { $metadata: {} } });
    },
    { step: "build", priority: "high", name: "registryCtlEndpoint" },
  );
  await client.send(command);
  if (address === undefined) throw new Error("the SDK has resolved no endpoint");
  return address;
}
