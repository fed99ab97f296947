import { endpointUrl } from "./s3-endpoint.ts";
import { s3LogLevel } from "./s3-log-level.ts";
import { pathStyleOf } from "./s3-path-style.ts";
import type { SectionValues } from "./section-values.ts";
import type { S3ChecksumSettings, S3StorageSettings } from "./settings.ts";

/** What GitLab's documentation gives as the most that S3 allows. */
const MANY_REQUESTS_PER_SECOND = 3500;

const MIB = 1024 * 1024;

/** Settings of a bucket, and what was assumed for them. */
export interface BuiltS3Settings {
  storage: S3StorageSettings;
  /** Lines for people; nothing is wrong. */
  notes: string[];
}

/** Makes settings of `storage.s3` or `storage.s3_v2`, and says what does not go together. */
export function s3SettingsOf(driver: S3StorageSettings["driver"], values: SectionValues): BuiltS3Settings {
  const endpoint = endpointOf(values);
  const { pathStyle, note } = pathStyleOf(values, endpoint);
  checkBucket(values);
  checkRegion(values, endpoint);
  checkSignature(values);
  const addressing = addressingOf(values, endpoint, pathStyle);
  const storage: S3StorageSettings = {
    driver,
    region: values.text("region") || "us-east-1",
    bucket: values.text("bucket"),
    endpoint,
    redirectEndpoint: urlOf(values, "redirectendpoint"),
    credentials: credentialsOf(values),
    rootDirectory: rootDirectoryOf(values),
    ...addressing,
    skipVerify: values.boolean("skipverify") ?? false,
    userAgent: userAgentOf(values),
    encryption: encryptionOf(values),
    storageClass: storageClassOf(values),
    objectAcl: objectAclOf(values),
    checksums: checksumsOf(driver, values, endpoint),
    maxRequestsPerSecond: requestRateOf(driver, values),
    maxRetries: values.number("maxretries") ?? 5,
    chunkBytes: values.number("chunksize") ?? 10 * MIB,
    copy: {
      chunkBytes: values.number("multipartcopychunksize") ?? 32 * MIB,
      concurrency: values.number("multipartcopymaxconcurrency") ?? 100,
      thresholdBytes: values.number("multipartcopythresholdsize") ?? 32 * MIB,
    },
    logLevel: s3LogLevel(values),
  };
  return { storage, notes: note === undefined ? [] : [note] };
}

function endpointOf(values: SectionValues): string {
  const endpoint = urlOf(values, "regionendpoint");
  const secure = values.boolean("secure");
  if (values.text("regionendpoint") === "") {
    if (secure === false) values.say("warning", "secure", "is of no effect: AWS is spoken to over HTTPS");
  } else if (secure === true && endpoint.startsWith("http:")) {
    const message = "is of no effect: regionendpoint begins with http://, so nothing is encrypted on the way";
    values.say("warning", "secure", message);
  } else if (secure === false && endpoint.startsWith("https:")) {
    values.say("warning", "secure", "is of no effect: regionendpoint begins with https://");
  }
  return endpoint;
}

/** @returns a URL; empty if nothing is written, or something of no use */
function urlOf(values: SectionValues, name: string): string {
  const text = values.text(name);
  if (text === "") return "";
  const found = endpointUrl(text, values.boolean("secure") ?? true);
  if ("url" in found) return found.url;
  values.say("fatal", name, found.problem);
  return "";
}

function checkBucket(values: SectionValues): void {
  const bucket = values.text("bucket");
  if (bucket.startsWith("arn:")) {
    values.say("fatal", "bucket", "must be a name: give the access point's alias instead of its ARN");
  } else if (bucket.includes("/")) {
    const message = "must be a name without a slash: write the folder in it as rootdirectory";
    values.say("fatal", "bucket", message);
  } else if (!/^[A-Za-z0-9._-]{0,255}$/.test(bucket)) {
    values.say("fatal", "bucket", "must have letters, digits, dots, hyphens and underscores only");
  }
}

/** A region that is wrong is told by S3; here only what could be no part of a host name. */
function checkRegion(values: SectionValues, endpoint: string): void {
  const region = values.text("region");
  if (region === "" && values.text("regionendpoint") === "") {
    values.say("fatal", "region", "is missing: name the bucket's region, such as eu-central-1");
  } else if (region !== "" && endpoint === "" && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(region)) {
    values.say("fatal", "region", "must be the name of a region of AWS, such as eu-central-1");
  }
}

function checkSignature(values: SectionValues): void {
  if (values.boolean("v4auth") !== false) return;
  const message =
    "is false, and signature version 2 is not spoken: leave it out if the server takes version 4";
  // The second driver of GitLab's registry does not look at the key.
  if (values.section === "storage.s3") values.say("fatal", "v4auth", message);
  else values.say("warning", "v4auth", "is of no effect: requests are signed with version 4");
}

/** What AWS alone has counts for nothing with another server, as in the Go registry. */
function addressingOf(
  values: SectionValues,
  endpoint: string,
  pathStyle: boolean,
): Pick<S3StorageSettings, "pathStyle" | "accelerate" | "dualStack" | "fips"> {
  const onAws = (name: string): boolean => {
    if (values.boolean(name) !== true) return false;
    if (endpoint !== "") values.say("warning", name, "is of no effect with regionendpoint");
    return endpoint === "";
  };
  const accelerate = onAws("accelerate");
  const dualStack = onAws("usedualstack");
  const fips = onAws("usefipsendpoint");
  if (accelerate && fips) values.say("fatal", "accelerate", "does not go together with usefipsendpoint");
  if (accelerate && pathStyle) {
    const key = values.has("forcepathstyle") ? "forcepathstyle" : "pathstyle";
    values.say("warning", key, "is of no effect with accelerate");
  }
  return { pathStyle: pathStyle && !accelerate, accelerate, dualStack, fips };
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

/** GitLab's second driver has a limit unless it is set to 0; Distribution knows none. */
function requestRateOf(driver: S3StorageSettings["driver"], values: SectionValues): number {
  const rate = values.number("maxrequestspersecond") ?? (driver === "s3_v2" ? 350 : 0);
  if (rate > MANY_REQUESTS_PER_SECOND) {
    const message = `is more than the ${MANY_REQUESTS_PER_SECOND} that S3 takes: 0 means no limit of ours`;
    values.say("warning", "maxrequestspersecond", message);
  }
  return rate;
}
