import { type Explanation, endpointOf, type FailureContext, type Refusal } from "./translate-context.ts";
import { allowedActionsHint } from "./translate-denial.ts";

type Explain = (refusal: Refusal, context: FailureContext, operation: string) => Explanation;

/** @returns why a store has refused a request, with which key, and what to change */
export function explainRefusal(refusal: Refusal, operation: string, context: FailureContext): Explanation {
  const region = rightRegion(refusal, context);
  if (region !== undefined) return wrongRegion(refusal, region, context);
  const explain = BY_CODE[refusal.code] ?? byStatus(refusal);
  return explain(refusal, context, operation);
}

/** @returns code, status and request, for the end of a sentence */
function named({ code, status, requestId }: Refusal): string {
  const what = code === "" ? `status ${status}` : `${code}, status ${status}`;
  return `(${what}${requestId === "" ? "" : `, request ${requestId}`})`;
}

/** @returns the key that was used, for the middle of a sentence */
function withKey({ credentials }: FailureContext): string {
  return credentials.description === "" ? "" : ` with ${credentials.description}`;
}

function setting({ settings }: FailureContext, name: string): string {
  return `storage.${settings.driver}.${name}`;
}

/** @returns the region that the store names, if it is not the one that was used */
function rightRegion({ headers, details, status, code }: Refusal, { settings }: FailureContext) {
  const isAboutRegion = status === 301 || REGION_CODES.has(code) || (status === 400 && code === "");
  const region =
    headers["x-amz-bucket-region"] || (code === "AuthorizationHeaderMalformed" ? details["Region"] : "");
  return isAboutRegion && region && region !== settings.region ? region : undefined;
}

const REGION_CODES = new Set([
  "PermanentRedirect",
  "TemporaryRedirect",
  "AuthorizationHeaderMalformed",
  "IllegalLocationConstraintException",
  "InvalidRegionName",
]);

function wrongRegion(refusal: Refusal, region: string, context: FailureContext): Explanation {
  const { settings } = context;
  return {
    why: `the bucket ${settings.bucket} is in region ${region}, not in ${settings.region} ${named(refusal)}`,
    hint: `set ${setting(context, "region")} to ${region}${settings.endpoint === "" ? "" : " and regionendpoint to the server of that region"}`,
  };
}

const otherPlace: Explain = (refusal, context) => {
  const location = refusal.headers["location"] ?? "";
  const place = refusal.details["Endpoint"] || (URL.canParse(location) ? new URL(location).origin : "");
  const correct = `correct ${setting(context, "region")} or regionendpoint`;
  return {
    why: `the bucket ${context.settings.bucket} is not at ${endpointOf(context.settings)} ${named(refusal)}`,
    hint:
      place === ""
        ? correct
        : `${correct} if ${place}, which the store names, is yours: other hosts are sent nothing unasked`,
  };
};

const noBucket: Explain = (refusal, context) => ({
  why: `there is no bucket ${context.settings.bucket} at ${endpointOf(context.settings)} ${named(refusal)}`,
  hint: `create the bucket, or correct ${setting(context, "bucket")}, region or regionendpoint`,
});

const wrongClock: Explain = (refusal, context) => {
  const theirs = Date.parse(refusal.details["ServerTime"] ?? refusal.headers["date"] ?? "");
  const times = Number.isNaN(theirs) ? "" : `, which is at ${new Date(theirs).toISOString()}`;
  return {
    why: `the clock of this host is not that of the store${times} ${named(refusal)}`,
    hint: `set the clock of this host (timedatectl, chrony), or that of ${endpointOf(context.settings)} if it is wrong`,
  };
};

const unknownKey: Explain = (refusal, context) => ({
  why: `the store does not know the access key it was asked${withKey(context)} ${named(refusal)}`,
  hint: context.credentials.isConfigured
    ? `correct ${setting(context, "accesskey")}, and look whether regionendpoint is the server that the key is for`
    : "look whether the credentials found are those meant for this store",
});

const wrongSecret: Explain = (refusal, context) => ({
  why: `the signature is wrong${withKey(context)} ${named(refusal)}`,
  hint: context.credentials.isConfigured
    ? `correct ${setting(context, "secretkey")}: it does not belong to the access key (or a proxy changes host or path)`
    : "look whether the secret belongs to the access key, and whether a proxy changes host or path",
});

const expiredKey: Explain = (refusal, context) => ({
  why: `the session has expired${withKey(context)} ${named(refusal)}`,
  hint: context.credentials.isConfigured
    ? `put new credentials into ${setting(context, "accesskey")}, secretkey and sessiontoken, or leave them out where the host has a role: a role is renewed by itself`
    : "log in again, or renew the credentials: those found cannot be renewed by themselves",
});

/** To HEAD no store says more of a session that has ended. */
const maybeExpired: Explain = (refusal, context, operation) => {
  if (!context.settings.credentials?.sessionToken) return other(refusal, context, operation);
  const { why, hint } = expiredKey(refusal, context, operation);
  return { why: why.replace("has expired", "may have expired"), hint };
};

const denied: Explain = (refusal, context, operation) => ({
  why: `access denied${withKey(context)} ${named(refusal)}${refusal.message === "" ? "" : `: ${refusal.message}`}`,
  hint: allowedActionsHint(refusal, operation, context),
});

const busy: Explain = (refusal, context) => ({
  why: `${endpointOf(context.settings)} is too busy ${named(refusal)}`,
  hint: `lower ${setting(context, "maxrequestspersecond")}, or raise maxretries`,
});

const encryptionKey: Explain = (refusal, context) => ({
  why: `the encryption key cannot be used ${named(refusal)}: ${refusal.message}`,
  hint: `look whether ${setting(context, "keyid")} is enabled, in the bucket's region, and allows kms:GenerateDataKey and kms:Decrypt to this${withKey(context) || " user"}`,
});

const full: Explain = (refusal) => ({
  why: `there is no room left ${named(refusal)}`,
  hint: "raise the quota of the bucket or its user, or free space, for example by a garbage collection",
  isFull: true,
});

const noAcl: Explain = (refusal, context) => ({
  why: `the bucket does not allow ACLs ${named(refusal)}`,
  hint: `leave out ${setting(context, "objectacl")} and set objectownership to true`,
});

const noSuchClass: Explain = (refusal, context) => ({
  why: `the store has no storage class ${context.settings.storageClass} ${named(refusal)}`,
  hint: `correct ${setting(context, "storageclass")}; NONE leaves the choice to the bucket`,
});

const noTrailers: Explain = (refusal, context) => ({
  why: `the store does not take the checksums sent with uploads ${named(refusal)}`,
  hint: `set ${setting(context, "checksum_disabled")} to true: the store is older than these checksums`,
});

const lostUpload: Explain = (refusal) => ({
  why: `the multipart upload is gone ${named(refusal)}`,
  hint: "push again; look whether a lifecycle rule of the bucket removes incomplete uploads too early",
});

const archived: Explain = (refusal) => ({
  why: `the object is in an archive ${named(refusal)}`,
  hint: "restore it, and exclude the registry's bucket from rules that move objects to archives",
});

const other: Explain = (refusal, context) => ({
  why: `the store has refused it ${named(refusal)}${refusal.message === "" ? "" : `: ${refusal.message}`}`,
  hint: mayBeEncryption(refusal, context)
    ? `look whether the store can encrypt so: it was asked to by ${setting(context, "encrypt")}`
    : `look at the bucket and at what ${endpointOf(context.settings)} says of the request`,
});

/** Stores that do not know a kind of encryption say no more than that. */
function mayBeEncryption({ status }: Refusal, { settings }: FailureContext): boolean {
  return settings.encryption !== undefined && (status === 400 || status === 501);
}

const BY_CODE: Readonly<Record<string, Explain>> = {
  NoSuchBucket: noBucket,
  InvalidBucketName: noBucket,
  PermanentRedirect: otherPlace,
  TemporaryRedirect: otherPlace,
  AuthorizationHeaderMalformed: otherPlace,
  RequestTimeTooSkewed: wrongClock,
  InvalidAccessKeyId: unknownKey,
  SignatureDoesNotMatch: wrongSecret,
  ExpiredToken: expiredKey,
  ExpiredTokenException: expiredKey,
  TokenRefreshRequired: expiredKey,
  InvalidToken: expiredKey,
  SlowDown: busy,
  ServiceUnavailable: busy,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientStorage: full,
  AccessControlListNotSupported: noAcl,
  InvalidStorageClass: noSuchClass,
  MissingContentLength: noTrailers,
  NoSuchUpload: lostUpload,
  InvalidObjectState: archived,
};

function byStatus({ status, code, message }: Refusal): Explain {
  if (code.startsWith("KMS") || (status === 403 && /\bkms:/i.test(message))) return encryptionKey;
  if (status === 401 || status === 403) return denied;
  if (status === 507) return full;
  if (status === 503 || status === 429) return busy;
  if (status === 301 || status === 307) return otherPlace;
  if (status === 400 && code === "") return maybeExpired;
  return other;
}
