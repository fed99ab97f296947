import { s3AddressOf } from "./s3-address.ts";
import { s3LogLevel } from "./s3-log-level.ts";
import type { SectionValues } from "./section-values.ts";
import type { S3ChecksumSettings, S3StorageSettings } from "./settings.ts";

/** What GitLab's documentation gives as the most that S3 allows. */
const MANY_REQUESTS_PER_SECOND = 3500;

const MIB = 1024 * 1024;

/** A part waits in memory until it is full, and many uploads share that memory. */
const MAX_PART_BYTES = 32 * MIB;

/** Settings of a bucket, and what was assumed for them. */
export interface BuiltS3Settings {
  storage: S3StorageSettings;
  /** Lines for people; nothing is wrong. */
  notes: string[];
}

/** Makes settings of `storage.s3` or `storage.s3_v2`, and says what does not go together. */
export function s3SettingsOf(driver: S3StorageSettings["driver"], values: SectionValues): BuiltS3Settings {
  const { address, notes } = s3AddressOf(values);
  checkSignature(values);
  const storage: S3StorageSettings = {
    driver,
    ...address,
    credentials: credentialsOf(values),
    rootDirectory: rootDirectoryOf(values),
    skipVerify: values.boolean("skipverify") ?? false,
    userAgent: userAgentOf(values),
    encryption: encryptionOf(values),
    storageClass: storageClassOf(values),
    objectAcl: objectAclOf(values),
    checksums: checksumsOf(driver, values, address.endpoint),
    maxRequestsPerSecond: requestRateOf(driver, values),
    maxRetries: values.number("maxretries") ?? 5,
    chunkBytes: partBytesOf(values),
    copy: {
      chunkBytes: values.number("multipartcopychunksize") ?? 32 * MIB,
      concurrency: values.number("multipartcopymaxconcurrency") ?? 100,
      thresholdBytes: values.number("multipartcopythresholdsize") ?? copyThresholdOf(address.endpoint),
    },
    logLevel: s3LogLevel(values),
  };
  return { storage, notes };
}

function checkSignature(values: SectionValues): void {
  if (values.boolean("v4auth") !== false) return;
  const message =
    "is false, and signature version 2 is not spoken: leave it out if the server takes version 4";
  // The second driver of GitLab's registry does not look at the key.
  if (values.section === "storage.s3") values.say("fatal", "v4auth", message);
  else values.say("warning", "v4auth", "is of no effect: requests are signed with version 4");
}

/** As in the Go registry one half of a pair counts for nothing. */
function credentialsOf(values: SectionValues): S3StorageSettings["credentials"] {
  const accessKey = values.text("accesskey");
  const secretKey = values.text("secretkey");
  const sessionToken = values.text("sessiontoken");
  if (accessKey !== "" && secretKey !== "") return { accessKey, secretKey, sessionToken };
  const alone = accessKey === "" ? "secretkey" : "accesskey";
  const other = accessKey === "" ? "accesskey" : "secretkey";
  if (values.text(alone) !== "") {
    const message = `is of no effect without ${other}: credentials come from the environment, a profile or the host's role`;
    values.say("problem", alone, message);
  } else if (sessionToken !== "") {
    values.say("problem", "sessiontoken", "is of no effect without accesskey and secretkey");
  }
  return undefined;
}

function rootDirectoryOf(values: SectionValues): string {
  const root = values.text("rootdirectory").replace(/^\/+|\/+$/g, "");
  if (root.split("/").some((segment) => segment === "." || segment === "..")) {
    values.say("fatal", "rootdirectory", "must have no segment . or ..");
  }
  if (root.includes("\0")) values.say("fatal", "rootdirectory", "must have no NUL character");
  return root;
}

function userAgentOf(values: SectionValues): string {
  const userAgent = values.text("useragent");
  if (/^[\x20-\x7e]*$/.test(userAgent)) return userAgent;
  values.say("fatal", "useragent", "must have plain ASCII characters only");
  return "";
}

function encryptionOf(values: SectionValues): S3StorageSettings["encryption"] {
  const keyId = values.text("keyid");
  if (values.boolean("encrypt") === true) {
    return keyId === "" ? { kind: "AES256" } : { kind: "aws:kms", keyId };
  }
  if (keyId !== "") {
    values.say("fatal", "keyid", "would encrypt nothing: write encrypt: true too, or leave it out");
  }
  return undefined;
}

/** What is not written is not sent: S3 then takes STANDARD, or what the bucket's owner has chosen. */
function storageClassOf(values: SectionValues): string {
  const storageClass = values.text("storageclass");
  return storageClass === "NONE" ? "" : storageClass;
}

/** What is not written is not sent: that is `private` where a bucket has ACLs, and the only way where it has none. */
function objectAclOf(values: SectionValues): string {
  const acl = values.text("objectacl");
  if (values.boolean("objectownership") !== true || acl === "") return acl;
  values.say(
    "fatal",
    "objectacl",
    "does not go together with objectownership, with which objects have no ACL",
  );
  return "";
}

/**
 * The registry of Distribution sends no checksums, so a compatible server that it works with may know none; GitLab's second
 * driver sends them unless told otherwise, and AWS knows them.
 */
function checksumsOf(
  driver: S3StorageSettings["driver"],
  values: SectionValues,
  endpoint: string,
): S3ChecksumSettings {
  const disabled = values.boolean("checksum_disabled");
  const algorithm = checksumAlgorithm(values.text("checksum_algorithm"));
  if (disabled === true) {
    if (algorithm !== undefined) {
      values.say("warning", "checksum_algorithm", "is of no effect with checksum_disabled");
    }
    return { when: "required", algorithm: undefined };
  }
  const isKnownToWork = disabled === false || algorithm !== undefined || driver === "s3_v2";
  return { when: endpoint === "" || isKnownToWork ? "supported" : "required", algorithm };
}

function checksumAlgorithm(text: string): S3ChecksumSettings["algorithm"] {
  const known = ["CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256"] as const;
  return known.find((each) => each === text);
}

function partBytesOf(values: SectionValues): number {
  const bytes = values.number("chunksize") ?? 10 * MIB;
  if (bytes > MAX_PART_BYTES) {
    values.say("warning", "chunksize", `counts as ${MAX_PART_BYTES}: larger parts would not fit into memory`);
  }
  return Math.min(bytes, MAX_PART_BYTES);
}

/**
 * AWS copies faster in parts. Compatible servers are as fast without, or much faster: Ceph copies a whole object by
 * referring to its bytes, and moves the bytes of parts.
 */
function copyThresholdOf(endpoint: string): number {
  return endpoint === "" ? 32 * MIB : 1024 * MIB;
}

/** GitLab's second driver has a limit unless it is set to 0; Distribution knows none. */
function requestRateOf(driver: S3StorageSettings["driver"], values: SectionValues): number {
  const rate = values.number("maxrequestspersecond") ?? (driver === "s3_v2" ? 350 : 0);
  if (rate > MANY_REQUESTS_PER_SECOND) {
    const message = `is more than the ${MANY_REQUESTS_PER_SECOND} that S3 takes: 0 means no limit of ours`;
    values.say("warning", "maxrequestspersecond", message);
  }
  return rate;
}
