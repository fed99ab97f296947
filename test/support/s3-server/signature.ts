import { createHash, createHmac } from "node:crypto";
import { Refusal } from "./reply.ts";
import type { ServedRequest } from "./request.ts";

/** Who may ask, and by which clock. */
export interface Signer {
  accessKey: string;
  secretKey: string;
  /** Required where there is one. */
  sessionToken: string | undefined;
  region: string;
  /** Milliseconds since 1970. */
  nowMs: number;
}

/** Further apart than this, and S3 refuses a request. */
const MAX_SKEW_MS = 15 * 60_000;

interface Claim {
  accessKey: string;
  date: string;
  region: string;
  service: string;
  signedHeaders: string[];
  signature: string;
  /** As `20261121T120000Z`. */
  time: string;
  payloadHash: string;
  token: string | undefined;
  /** Of a presigned address. */
  expiresInSeconds: number | undefined;
}

/**
 * Checks the signature (version 4) of a request, in its header or in its address.
 *
 * @throws {Refusal} as S3 refuses
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function checkSignature(request: ServedRequest, signer: Signer): void {
  const claim = request.query.has("X-Amz-Signature") ? claimOfAddress(request) : claimOfHeader(request);
  if (claim.accessKey !== signer.accessKey)
    throw new Refusal(
      403,
      "InvalidAccessKeyId",
      "The AWS Access Key Id you provided does not exist in our records.",
    );
  checkRegion(claim, signer);
  checkTime(claim, signer);
  if (claim.token !== signer.sessionToken)
    throw new Refusal(400, "InvalidToken", "The provided token is malformed or otherwise invalid.");
  if (signatureOf(request, claim, signer.secretKey) !== claim.signature)
    throw new Refusal(
      403,
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided.",
    );
}

/** @throws {Refusal} if a body is not what the signed headers say of it */
export function checkPayload(request: ServedRequest, rawBody: Uint8Array): void {
  const announced = request.headers["x-amz-content-sha256"];
  if (announced !== undefined && /^[0-9a-f]{64}$/.test(announced) && announced !== sha256(rawBody))
    throw new Refusal(400, "XAmzContentSHA256Mismatch", "The provided SHA-256 does not match the body.");
}

function claimOfHeader(request: ServedRequest): Claim {
  const { headers } = request;
  const header = headers["authorization"];
  if (header === undefined) throw new Refusal(403, "AccessDenied", "Access Denied");
  const parts =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    );
  if (!parts)
    throw new Refusal(400, "AuthorizationHeaderMalformed", "The authorization header is malformed.");
  const [, accessKey = "", date = "", region = "", service = "", signed = "", signature = ""] = parts;
  const payloadHash = headers["x-amz-content-sha256"];
  if (payloadHash === undefined)
    throw new Refusal(
      400,
      "InvalidRequest",
      "Missing required header for this request: x-amz-content-sha256",
    );
  return {
    ...{ accessKey, date, region, service, signature, payloadHash },
    signedHeaders: signed.split(";"),
    time: headers["x-amz-date"] ?? "",
    token: headers["x-amz-security-token"],
    expiresInSeconds: undefined,
  };
}

function claimOfAddress({ query }: ServedRequest): Claim {
  const [accessKey = "", date = "", region = "", service = ""] = (query.get("X-Amz-Credential") ?? "").split(
    "/",
  );
  return {
    ...{ accessKey, date, region, service },
    signedHeaders: (query.get("X-Amz-SignedHeaders") ?? "").split(";"),
    signature: query.get("X-Amz-Signature") ?? "",
    time: query.get("X-Amz-Date") ?? "",
    payloadHash: query.get("X-Amz-Content-Sha256") ?? "UNSIGNED-PAYLOAD",
    token: query.get("X-Amz-Security-Token") ?? undefined,
    expiresInSeconds: Number(query.get("X-Amz-Expires")),
  };
}

function checkRegion(claim: Claim, { region }: Signer): void {
  if (claim.region === region && claim.service === "s3") return;
  throw new Refusal(
    400,
    "AuthorizationHeaderMalformed",
    `The authorization header is malformed; the region '${claim.region}' is wrong; expecting '${region}'`,
    { elements: { Region: region }, headers: { "x-amz-bucket-region": region } },
  );
}

function checkTime(claim: Claim, { nowMs }: Signer): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(claim.time);
  if (!parts || !claim.time.startsWith(claim.date)) throw new Refusal(403, "AccessDenied", "no valid date");
  const [, year, month, day, hour, minute, second] = parts;
  const signedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (claim.expiresInSeconds !== undefined) {
    if (nowMs < signedMs + claim.expiresInSeconds * 1000) return;
    throw new Refusal(403, "AccessDenied", "Request has expired");
  }
  if (Math.abs(nowMs - signedMs) <= MAX_SKEW_MS) return;
  throw new Refusal(
    403,
    "RequestTimeTooSkewed",
    "The difference between the request time and the current time is too large.",
    { elements: { RequestTime: claim.time, ServerTime: new Date(nowMs).toISOString() } },
  );
}

function signatureOf(request: ServedRequest, claim: Claim, secretKey: string): string {
  const scope = `${claim.date}/${claim.region}/${claim.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", claim.time, scope, sha256(canonicalRequest(request, claim))].join("\n");
  const key = [claim.date, claim.region, claim.service, "aws4_request"].reduce<Uint8Array | string>(
    (last, part) => createHmac("sha256", last).update(part).digest(),
    `AWS4${secretKey}`,
  );
  return createHmac("sha256", key).update(toSign).digest("hex");
}

function canonicalRequest(request: ServedRequest, claim: Claim): string {
  const path = decodeURIComponent(request.rawPath).split("/").map(encode).join("/");
  const query = [...request.query]
    .filter(([name]) => name !== "X-Amz-Signature")
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort();
  const headers = claim.signedHeaders.map(
    (name) => `${name}:${(request.headers[name] ?? "").trim().replace(/ +/g, " ")}\n`,
  );
  return [
    request.method,
    path,
    query.join("&"),
    headers.join(""),
    claim.signedHeaders.join(";"),
    claim.payloadHash,
  ].join("\n");
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function sha256(content: Uint8Array | string): string {
  return createHash("sha256").update(content).digest("hex");
}
