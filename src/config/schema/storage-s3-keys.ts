import { flag, integer, secret, section, text, word } from "./key-builders.ts";
import type { IntegerKey, Key, TextKey } from "./key-types.ts";

const MIB = 1024 * 1024;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html sizes of a part of a multipart upload */
const PART_BYTES = { min: 5 * MIB, max: 5 * 1024 * MIB } as const;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl */
const CANNED_ACLS = [
  "private",
  "public-read",
  "public-read-write",
  "authenticated-read",
  "aws-exec-read",
  "bucket-owner-read",
  "bucket-owner-full-control",
];

/** The classes that answer at once, and NONE for servers that know no classes. */
const STORAGE_CLASSES = [
  "NONE",
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "OUTPOSTS",
  "GLACIER_IR",
  "EXPRESS_ONEZONE",
];

const DONE = { status: "implemented" } as const;
const OF_DISTRIBUTION = { ...DONE, dialect: "distribution" } as const;
const OF_GITLAB = { ...DONE, dialect: "gitlab" } as const;

/** What both registries know of S3. */
const COMMON: Readonly<Record<string, Key>> = {
  accesskey: secret(
    "access key; without it the SDK's chain: environment, profile, web identity, the host's role",
    DONE,
  ),
  secretkey: secret("secret key", DONE),
  sessiontoken: secret("token of a temporary key", OF_GITLAB),
  region: text("region of the bucket; needed without regionendpoint, else us-east-1 unless given", DONE),
  regionendpoint: text("address of a compatible server or a VPC endpoint; for AWS none is needed", DONE),
  bucket: text("bucket, without a folder; it must exist", { ...DONE, required: true }),
  encrypt: flag("store encrypted: by S3's own keys (SSE-S3), or by keyid (SSE-KMS)", {
    ...DONE,
    default: false,
  }),
  keyid: text("KMS key that encrypts; needs encrypt", DONE),
  secure: flag("use HTTPS where regionendpoint has no scheme", { ...DONE, default: true }),
  skipverify: flag("do not check the server's certificate", { ...DONE, default: false }),
  v4auth: flag("sign with version 4; there is no other", { ...DONE, default: true }),
  chunksize: integer(
    "bytes of a part of an upload, 5 to 32 MiB; more where an upload needs more than 10,000",
    {
      ...DONE,
      ...PART_BYTES,
      default: 10 * MIB,
    },
  ),
  multipartcopychunksize: integer("bytes of a part of a copy", { ...DONE, ...PART_BYTES, default: 32 * MIB }),
  multipartcopymaxconcurrency: integer("parts of a copy at once", { ...DONE, default: 100, min: 1 }),
  multipartcopythresholdsize: integer(
    "bytes above which a copy is made in parts; 1 GiB by default with regionendpoint",
    {
      ...DONE,
      default: 32 * MIB,
      min: 0,
      max: PART_BYTES.max,
    },
  ),
  rootdirectory: text("folder in the bucket", { ...DONE, default: "" }),
  storageclass: word("storage class of objects; NONE sends none", STORAGE_CLASSES, {
    ...DONE,
    ignoreCase: true,
  }),
  objectacl: word("canned ACL of objects; none is sent unless given", CANNED_ACLS, DONE),
  loglevel: text("off, or any other word of either registry: each request to S3 is logged on one line", {
    ...DONE,
    default: "off",
  }),
};

/** What only Distribution knows. */
const DISTRIBUTION: Readonly<Record<string, Key>> = {
  redirectendpoint: text("address that clients are redirected to instead", OF_DISTRIBUTION),
  forcepathstyle: flag("put the bucket into the path, not into the host name", OF_DISTRIBUTION),
  accelerate: flag("use transfer acceleration", { ...OF_DISTRIBUTION, default: false }),
  useragent: text("User-Agent of requests", OF_DISTRIBUTION),
  usedualstack: flag("use IPv6 addresses too", { ...OF_DISTRIBUTION, default: false }),
  usefipsendpoint: flag("use FIPS addresses", { ...OF_DISTRIBUTION, default: false }),
};

/** What only GitLab knows, but for the limit of requests. */
const GITLAB: Readonly<Record<string, Key>> = {
  pathstyle: flag("put the bucket into the path, not into the host name", OF_GITLAB),
  parallelwalk: flag("list in parallel, which is always done", {
    ...OF_GITLAB,
    status: "noop",
    default: false,
  }),
  maxretries: integer("attempts after a failure that may pass", { ...OF_GITLAB, default: 5, min: 0 }),
  objectownership: flag("the bucket's owner owns the objects: no ACL is sent", {
    ...OF_GITLAB,
    default: false,
  }),
  checksum_algorithm: checksumAlgorithm(),
  checksum_disabled: flag("send checksums only where S3 demands them, for older servers", OF_GITLAB),
};

const DRIVER = { optional: true, open: true, looseStrings: true } as const;

function checksumAlgorithm(): TextKey {
  const words = ["CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256"];
  return word("checksum sent with objects", words, { ...OF_GITLAB, ignoreCase: true });
}

function requestRate(otherwise: number): IntegerKey {
  const help = "limit of requests for all processes of this host together, 0 for none";
  return integer(help, { ...OF_GITLAB, default: otherwise, min: 0 });
}

/** `storage.s3`, of both dialects. */
export const S3_KEYS = section(
  "an S3 bucket",
  { ...COMMON, ...DISTRIBUTION, ...GITLAB, maxrequestspersecond: requestRate(0) },
  DRIVER,
);

/** `storage.s3_v2`, GitLab's newer S3 driver. */
export const S3_V2_KEYS = section(
  "an S3 bucket (GitLab's second driver)",
  { ...COMMON, ...GITLAB, maxrequestspersecond: requestRate(350) },
  { ...DRIVER, dialect: "gitlab" },
);
