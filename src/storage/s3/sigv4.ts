import { createHmac, hash } from "node:crypto";

/** What requests are signed with. */
export interface SigningCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  /** Only of temporary credentials. */
  sessionToken?: string | undefined;
}

/** One request, ready but for its signature. */
export interface UnsignedRequest {
  method: string;
  /** As in the `Host` header. */
  host: string;
  /** Encoded, beginning with a slash. */
  path: string;
  /** Encoded and sorted by name; empty if there is none. */
  query: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hexadecimal. */
  bodyHash: string;
}

/** SHA-256 of nothing. */
export const EMPTY_BODY_HASH = hash("sha256", "", "hex");

/**
 * Signs requests with AWS Signature Version 4, in headers. The signing key is kept for the day, so that a request costs
 * one hash and one HMAC.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */
export class RequestSigner {
  readonly #region: string;
  readonly #service: string;
  #timeMs = Number.NaN;
  #time = "";
  #keyDay = "";
  #keySecret = "";
  #key: Buffer | undefined;

  constructor(region: string, service: string) {
    this.#region = region;
    this.#service = service;
  }

  /** @returns the headers of the request and those that sign it, `host` left out */
  sign(request: UnsignedRequest, credentials: SigningCredentials, nowMs: number): Record<string, string> {
    const time = this.#timeAt(nowMs);
    const scope = `${time.slice(0, 8)}/${this.#region}/${this.#service}/aws4_request`;
    const headers: Record<string, string> = {
      ...request.headers,
      "x-amz-content-sha256": request.bodyHash,
      "x-amz-date": time,
    };
    if (credentials.sessionToken) headers["x-amz-security-token"] = credentials.sessionToken;
    const names = signedNames(headers);
    const canonical = canonicalRequest(request, headers, names);
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash("sha256", canonical, "hex")}`;
    const signature = createHmac("sha256", this.#keyFor(time.slice(0, 8), credentials))
      .update(text)
      .digest("hex");
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, ` +
      `SignedHeaders=${names.join(";")}, Signature=${signature}`;
    return headers;
  }

  #timeAt(nowMs: number): string {
    const second = nowMs - (nowMs % 1000);
    if (second !== this.#timeMs) {
      this.#timeMs = second;
      this.#time = new Date(second).toISOString().replace(/[-:]|\.000/g, "");
    }
    return this.#time;
  }

  #keyFor(day: string, credentials: SigningCredentials): Buffer {
    if (this.#key === undefined || day !== this.#keyDay || credentials.secretAccessKey !== this.#keySecret) {
      this.#keyDay = day;
      this.#keySecret = credentials.secretAccessKey;
      const dayKey = hmac(`AWS4${credentials.secretAccessKey}`, day);
      this.#key = hmac(hmac(hmac(dayKey, this.#region), this.#service), "aws4_request");
    }
    return this.#key;
  }
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

/** What must be signed, and what says how a body is to be read; proxies may change the rest. Sorted. */
function signedNames(headers: Readonly<Record<string, string>>): string[] {
  const names = ["host"];
  for (const name in headers) {
    if (name.startsWith("x-amz-") || name === "content-type" || name === "content-md5") names.push(name);
  }
  return names.sort();
}

function canonicalRequest(
  request: UnsignedRequest,
  headers: Readonly<Record<string, string>>,
  names: readonly string[],
): string {
  let text = `${request.method}\n${request.path}\n${request.query}\n`;
  for (const name of names) {
    const value = name === "host" ? request.host : (headers[name] ?? "");
    text += `${name}:${value.includes(" ") ? value.trim().replace(/ +/g, " ") : value}\n`;
  }
  return `${text}\n${names.join(";")}\n${request.bodyHash}`;
}
