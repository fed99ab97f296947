import { flag, integer, secret, section, text, word } from "./key-builders.ts";
import type { Key } from "./key-types.ts";

/** @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html smallest part of a multipart upload */
const MIN_PART_BYTES = 5 * 1024 * 1024;

const MIB = 1024 * 1024;

/** What both registries know of S3. */
const COMMON: Readonly<Record<string, Key>> = {
  accesskey: secret("access key; without it the host's role is used"),
  secretkey: secret("secret key"),
  sessiontoken: secret("token of a temporary key", { dialect: "gitlab" }),
  region: text("region of the bucket", { required: true }),
  regionendpoint: text("address of a compatible server"),
  bucket: text("bucket, without a folder", { required: true }),
  encrypt: flag("store encrypted (SSE)", { status: "must-honour", default: false }),
  keyid: text("KMS key that encrypts", { status: "must-honour" }),
  secure: flag("use HTTPS", { default: true }),
  skipverify: flag("do not check the server's certificate", { default: false }),
  v4auth: flag("sign with version 4", { default: true }),
  chunksize: integer("bytes of a part, at least 5 MiB", { default: 10 * MIB, min: MIN_PART_BYTES }),
  multipartcopychunksize: integer("bytes of a part of a copy", { default: 32 * MIB, min: MIN_PART_BYTES }),
  multipartcopymaxconcurrency: integer("parts of a copy at once", { default: 100, min: 1 }),
  multipartcopythresholdsize: integer("bytes from which a copy is made in parts", {
    default: 32 * MIB,
    min: 0,
  }),
  rootdirectory: text("folder in the bucket", { default: "" }),
  storageclass: text("storage class of objects", { default: "STANDARD" }),
  objectacl: text("canned ACL of objects", { default: "private" }),
  loglevel: text("what the SDK logs", { default: "off" }),
};

/** What only Distribution knows. */
const DISTRIBUTION: Readonly<Record<string, Key>> = {
  redirectendpoint: text("address that clients are redirected to", { dialect: "distribution" }),
  forcepathstyle: flag("put the bucket into the path", { dialect: "distribution", default: false }),
  accelerate: flag("use transfer acceleration", { dialect: "distribution", default: false }),
  useragent: text("User-Agent of requests", { dialect: "distribution" }),
  usedualstack: flag("use IPv6 addresses too", { dialect: "distribution", default: false }),
  usefipsendpoint: flag("use FIPS addresses", { dialect: "distribution", default: false }),
};

/** What only GitLab knows. */
const GITLAB: Readonly<Record<string, Key>> = {
  pathstyle: flag("put the bucket into the path", { dialect: "gitlab" }),
  parallelwalk: flag("list in parallel", { dialect: "gitlab", default: false }),
  maxrequestspersecond: integer("limit of requests, 0 for none", { dialect: "gitlab", default: 350, min: 0 }),
  maxretries: integer("attempts after a failure", { dialect: "gitlab", default: 5 }),
  objectownership: flag("the bucket's owner owns the objects", { dialect: "gitlab", default: false }),
  checksum_algorithm: word("checksum sent with objects", ["CRC64NVME", "CRC32", "CRC32C", "SHA1", "SHA256"], {
    dialect: "gitlab",
  }),
  checksum_disabled: flag("send no checksums", { dialect: "gitlab", default: false }),
};

const DRIVER = { optional: true, open: true, looseStrings: true } as const;

/** `storage.s3`, of both dialects. */
export const S3_KEYS = section("an S3 bucket", { ...COMMON, ...DISTRIBUTION, ...GITLAB }, DRIVER);

/** `storage.s3_v2`, GitLab's newer S3 driver. */
export const S3_V2_KEYS = section(
  "an S3 bucket (GitLab's second driver)",
  { ...COMMON, ...GITLAB },
  { ...DRIVER, dialect: "gitlab" },
);
