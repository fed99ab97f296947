import type { S3Client } from "@aws-sdk/client-s3";
import { callS3 } from "./s3-call.ts";
import type { S3Store } from "./s3-store.ts";

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html */
const MAX_EXPIRY_SECONDS = 7 * 24 * 60 * 60;

/** Signs addresses at which anybody can read an object for a while. */
export class ReadSigner {
  readonly #store: S3Store;
  #client: Promise<S3Client> | undefined;

  constructor(store: S3Store) {
    this.#store = store;
  }

  /** @param expiresMs - 1 second to 7 days; what is outside is brought in */
  presign(path: string, expiresMs: number): Promise<string> {
    return callS3(this.#store, "sign an address of", path, async () => {
      const [{ GetObjectCommand }, { getSignedUrl }] = await Promise.all([
        import("@aws-sdk/client-s3"),
        import("@aws-sdk/s3-request-presigner"),
      ]);
      this.#client ??= this.#openClient();
      const { bucket, redirectEndpoint, pathStyle } = this.#store.settings;
      const command = new GetObjectCommand({
        // Without path style the host stands for the bucket, whatever its name is.
        Bucket: redirectEndpoint === "" || pathStyle ? bucket : redirectEndpoint,
        Key: this.#store.keyOf(path),
      });
      const expiresIn = Math.min(MAX_EXPIRY_SECONDS, Math.max(1, Math.ceil(expiresMs / 1000)));
      return getSignedUrl(await this.#client, command, { expiresIn });
    });
  }

  /** The store's own client, or one for the address that clients know it by. */
  async #openClient(): Promise<S3Client> {
    const { redirectEndpoint, pathStyle, region } = this.#store.settings;
    const client = await this.#store.sdk();
    if (redirectEndpoint === "") return client;
    const { S3Client } = await import("@aws-sdk/client-s3");
    return new S3Client({
      region,
      credentials: client.config.credentials,
      // An address is to say no more than it must: other stores need not know what else the SDK may ask for.
      responseChecksumValidation: "WHEN_REQUIRED",
      ...(pathStyle ? { endpoint: redirectEndpoint, forcePathStyle: true } : { bucketEndpoint: true }),
    });
  }
}
