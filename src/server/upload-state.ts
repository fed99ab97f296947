import { createHmac, timingSafeEqual } from "node:crypto";

/** Which upload a state is about. */
export interface StatedUpload {
  /** The repository that it is in. */
  name: string;
  uuid: string;
}

const MAC_BYTES = 32;

/**
 * Signs the Locations of uploads with `http.secret`, in the form of the Go registry: the base64 of an HMAC-SHA-256 and
 * of the JSON that it is over. So an upload that began at a Go registry with the same secret and store can go on here,
 * and one that began here can go on there.
 * @see https://github.com/distribution/distribution/blob/v3.0.0/registry/handlers/hmac.go
 */
export class UploadState {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @returns the value of `_state` in the Location of an upload that has received `sizeBytes` */
  sign({ name, uuid }: StatedUpload, sizeBytes: number): string {
    // A Go registry looks at all but the time, which it takes from the store, and wants to be able to read that too.
    const StartedAt = new Date().toISOString();
    const message = Buffer.from(JSON.stringify({ Name: name, UUID: uuid, Offset: sizeBytes, StartedAt }));
    const base64 = Buffer.concat([this.#mac(message), message]).toString("base64");
    return base64.replaceAll("+", "-").replaceAll("/", "_");
  }

  /**
   * Tells whether a `_state` may go with an upload.
   *
   * @param isRequired - whether it must be one that was signed for this upload, as the Go registry always wants it.
   *   Where everybody may do everything one that is missing or cannot be checked, because nodes have no secret in
   *   common, is let pass; one that was signed for another upload never is. How much was received is not compared: a
   *   client that lost an answer goes on with an older state
   */
  admits(state: string | null, upload: StatedUpload, { isRequired }: { isRequired: boolean }): boolean {
    const signed = this.#read(state ?? "");
    if (signed === undefined) return !isRequired;
    return signed.name === upload.name && signed.uuid === upload.uuid;
  }

  /** @returns what was signed; undefined if it was not by us */
  #read(state: string): StatedUpload | undefined {
    const bytes = Buffer.from(state, "base64url");
    if (bytes.length <= MAC_BYTES) return undefined;
    const message = bytes.subarray(MAC_BYTES);
    if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), this.#mac(message))) return undefined;
    return parseMessage(message);
  }

  #mac(message: Uint8Array): Buffer {
    return createHmac("sha256", this.#secret).update(message).digest();
  }
}

function parseMessage(message: Buffer): StatedUpload | undefined {
  try {
    const value: unknown = JSON.parse(message.toString());
    if (typeof value !== "object" || value === null || !("Name" in value) || !("UUID" in value))
      return undefined;
    const { Name: name, UUID: uuid } = value;
    return typeof name === "string" && typeof uuid === "string" ? { name, uuid } : undefined;
  } catch {
    return undefined;
  }
}
