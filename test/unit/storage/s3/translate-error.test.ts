import { HeadObjectCommand, PutObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, describe, expect, test } from "vitest";
import type { S3StorageSettings } from "../../../../src/config/settings.ts";
import {
  CancelledError,
  DigestMismatchError,
  PathNotFoundError,
  type RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../../../../src/errors.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3ConnectionError, S3RequestError } from "../../../../src/storage/s3/s3-lane.ts";
import type { S3Store } from "../../../../src/storage/s3/s3-store.ts";
import { XmlError } from "../../../../src/storage/s3/xml/xml-scanner.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../../support/s3-server/s3-server.ts";

let server: S3Server | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

const SECRET = "wJalrXUtnFEMI";

function storeWith(changes: Partial<S3StorageSettings> = {}): S3Store {
  const credentials = { accessKey: "AKIA1", secretKey: SECRET, sessionToken: "" };
  return createS3Store(bucketSettings({ credentials, rootDirectory: "root", ...changes }));
}

type Parts = Partial<ConstructorParameters<typeof S3RequestError>[0]>;

function refusal(status: number, code: string, parts: Parts = {}): S3RequestError {
  return new S3RequestError({ status, code, message: "", requestId: "R1", headers: {}, ...parts });
}

const broken = (code: string) =>
  new S3ConnectionError("lost", { cause: Object.assign(new Error("lost"), { code }) });

/** What a person reads: the message and the hint. */
function told(error: unknown, operation = "read", store = storeWith()): string {
  const translated = store.translate(error, operation, "/docker/x") as RegistryCtlError;
  expect(translated).toBeInstanceOf(StorageUnavailableError);
  expect(translated.cause).toBe(error);
  const text = `${translated.message} | ${translated.hint}`;
  expect(text).not.toContain(SECRET);
  return text;
}

describe("translate", () => {
  test("knows a missing object by code, and by the status of HEAD", () => {
    for (const error of [refusal(404, "NoSuchKey"), refusal(404, "")]) {
      expect(storeWith().translate(error, "read", "/a")).toBeInstanceOf(PathNotFoundError);
    }
  });

  test("does not take a 404 without a word of S3 for a missing object, where the SDK has asked", () => {
    const error = refusal(404, "NotFound", { requestId: "" });
    expect(storeWith().translate(error, "write", "/a")).toBeInstanceOf(StorageUnavailableError);
    expect(storeWith().translate(refusal(404, "NotFound"), "read", "/a")).toBeInstanceOf(PathNotFoundError);
  });

  test("leaves our own errors and bugs as they are", () => {
    for (const error of [new DigestMismatchError("a", "b"), new TypeError("a bug"), "text"]) {
      expect(storeWith().translate(error, "read", "/a")).toBe(error);
    }
  });

  test("knows that somebody has cancelled", () => {
    const error = Object.assign(new Error("aborted"), { name: "AbortError" });
    expect(storeWith().translate(error, "read", "/a")).toBeInstanceOf(CancelledError);
  });

  test("names operation, path, store, code and request", () => {
    expect(told(refusal(403, "AccessDenied"), "write")).toContain(
      "s3: cannot write /docker/x in s3://registry/root: access denied with key AKIA1 from " +
        "storage.s3.accesskey of the configuration (AccessDenied, status 403, request R1)",
    );
  });

  test.each<[string, S3RequestError, string[]]>([
    [
      "a missing bucket",
      refusal(404, "NoSuchBucket"),
      ["no bucket registry", "create the bucket", "storage.s3.bucket"],
    ],
    [
      "a wrong region",
      refusal(301, "PermanentRedirect", { headers: { "x-amz-bucket-region": "eu-west-3" } }),
      ["is in region eu-west-3, not in us-east-1", "set storage.s3.region to eu-west-3"],
    ],
    [
      "a wrong region that HEAD tells of",
      refusal(400, "", { headers: { "x-amz-bucket-region": "eu-west-3" } }),
      ["set storage.s3.region to eu-west-3"],
    ],
    [
      "a wrong region in the signature",
      refusal(400, "AuthorizationHeaderMalformed", { details: { Region: "eu-west-3" } }),
      ["set storage.s3.region to eu-west-3"],
    ],
    [
      "a redirection without a region",
      refusal(301, "PermanentRedirect", { details: { Endpoint: "b.s3.example.org" } }),
      ["if b.s3.example.org, which the store names, is yours"],
    ],
    [
      "a clock skew",
      refusal(403, "RequestTimeTooSkewed", { headers: { date: "Sat, 21 Nov 2026 12:00:00 GMT" } }),
      ["the clock of this host", "2026-11-21T12:00:00.000Z", "chrony"],
    ],
    ["an unknown key", refusal(403, "InvalidAccessKeyId"), ["AKIA1", "correct storage.s3.accesskey"]],
    ["a wrong secret", refusal(403, "SignatureDoesNotMatch"), ["AKIA1", "correct storage.s3.secretkey"]],
    [
      "an expired session",
      refusal(400, "ExpiredToken"),
      ["the session has expired with key AKIA1", "sessiontoken"],
    ],
    ["a busy store", refusal(503, "SlowDown"), ["too busy", "maxrequestspersecond"]],
    ["a key that is disabled", refusal(400, "KMS.DisabledException"), ["encryption key", "storage.s3.keyid"]],
    [
      "a key that is denied",
      refusal(403, "AccessDenied", { message: "not authorized to perform: kms:GenerateDataKey" }),
      ["encryption key", "kms:GenerateDataKey"],
    ],
    [
      "a bucket without ACLs",
      refusal(400, "AccessControlListNotSupported"),
      ["objectacl", "objectownership"],
    ],
    ["an older store", refusal(411, "MissingContentLength"), ["storage.s3.checksum_disabled"]],
    ["a lost upload", refusal(404, "NoSuchUpload"), ["multipart upload is gone"]],
    ["something else", refusal(400, "Strange", { message: "Very odd" }), ["Strange, status 400", "Very odd"]],
  ])("explains %s", (_what, error, parts) => {
    const text = told(error);
    for (const part of parts) expect(text).toContain(part);
  });

  test.each([
    ["write", "s3:PutObject on arn:aws:s3:::registry/root/*"],
    ["delete", "s3:DeleteObject on arn:aws:s3:::registry/root/*"],
    ["list", "s3:ListBucket on arn:aws:s3:::registry"],
    ["read", "s3:GetObject on arn:aws:s3:::registry/root/* and s3:ListBucket on arn:aws:s3:::registry"],
    ["astonish", "s3:AbortMultipartUpload"],
  ])("says what to allow so that one may %s", (operation, wanted) => {
    expect(told(refusal(403, "AccessDenied"), operation)).toContain(wanted);
  });

  test("asks for encryption where that is what a store may not know", () => {
    const encrypting = storeWith({ driver: "s3_v2", encryption: { kind: "AES256" } });
    expect(told(refusal(400, "InvalidArgument"), "write", encrypting)).toContain("storage.s3_v2.encrypt");
    expect(told(refusal(400, "InvalidArgument"), "write")).not.toContain("encrypt");
  });

  test("says of a denied HEAD that it needs the right to read, and that missing objects are denied too", () => {
    const text = told(refusal(403, ""), "look at");
    expect(text).toContain(
      "HEAD needs s3:GetObject like GET, and without s3:ListBucket a missing object is denied",
    );
  });

  test("says of a HEAD that was refused without a reason that the session may have ended", () => {
    const session = { accessKey: "AKIA1", secretKey: SECRET, sessionToken: "token" };
    const text = told(refusal(400, ""), "look at", storeWith({ credentials: session }));
    expect(text).toContain("the session may have expired with key AKIA1");
    expect(told(refusal(400, ""), "look at")).not.toContain("session");
  });

  test("names the host that a redirection leads to and that is sent nothing", () => {
    const headers = { location: "https://other.example.org/registry/x" };
    expect(told(refusal(307, "TemporaryRedirect", { headers }))).toContain("if https://other.example.org,");
  });

  test.each([refusal(403, "QuotaExceeded"), refusal(507, "")])("knows a full store by %s", (error) => {
    expect(storeWith().translate(error, "write", "/a")).toBeInstanceOf(StorageFullError);
  });

  test.each([
    ["ECONNREFUSED", "nothing listens at http://10.0.0.1:9000", "regionendpoint"],
    ["ENOTFOUND", "is unknown", "forcepathstyle"],
    ["UND_ERR_HEADERS_TIMEOUT", "takes requests and does not answer them", "load balancer"],
    ["UND_ERR_CONNECT_TIMEOUT", "does not answer", "firewall"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "is not trusted", "NODE_EXTRA_CA_CERTS"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "is for another name", "pathstyle"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "does not speak TLS", "secure: false"],
    ["EODD", "lost (EODD)", "the network"],
  ])("explains a connection that fails with %s", (code, why, hint) => {
    const text = told(broken(code), "read", storeWith({ endpoint: "http://10.0.0.1:9000" }));
    expect(text).toContain(why);
    expect(text.split(" | ")[1]).toContain(hint);
  });

  test("says how often it was tried", () => {
    const error = broken("ECONNRESET");
    error.attempts = 6;
    expect(told(error)).toContain("(ECONNRESET, 6 times)");
  });

  test("explains answers that are no XML", () => {
    expect(told(new XmlError("the document breaks off"))).toContain(
      "cannot be read: the document breaks off",
    );
  });

  test("says that no credentials were found, and where they may come from", () => {
    const error = Object.assign(new Error("Could not load credentials"), {
      name: "CredentialsProviderError",
    });
    const text = told(error, "read", storeWith({ credentials: undefined, driver: "s3_v2" }));
    expect(text).toContain("no credentials were found");
    expect(text).toContain("storage.s3_v2.accesskey");
  });
});

describe("errors of the SDK", () => {
  async function fromSdk(
    options: S3ServerOptions,
    changes: Partial<S3StorageSettings> = {},
  ): Promise<unknown> {
    server = await startS3Server(options);
    const store = createS3Store(server.settings("registry", { maxRetries: 0, ...changes }));
    const sdk = await store.sdk();
    try {
      await sdk.send(new PutObjectCommand({ Bucket: store.settings.bucket, Key: "a", Body: "1" }));
      await sdk.send(new HeadObjectCommand({ Bucket: store.settings.bucket, Key: "missing" }));
    } catch (error) {
      return store.translate(error, "write", "/a");
    }
    throw new Error("everything went well");
  }

  test("a missing object", async () => {
    expect(await fromSdk({})).toBeInstanceOf(PathNotFoundError);
  });

  test.each<[string, S3ServerOptions, Partial<S3StorageSettings>, string]>([
    ["a missing bucket", {}, { bucket: "other" }, "no bucket other"],
    ["a wrong region", { bucketRegion: "eu-west-1" }, {}, "in region eu-west-1"],
    ["an expired session", { hasExpired: true }, {}, "the session has expired with key testaccess"],
    [
      "a wrong secret",
      {},
      { credentials: { accessKey: "testaccess", secretKey: "wrong", sessionToken: "" } },
      "the signature is wrong",
    ],
    [
      "a policy",
      { policy: () => new Refusal(403, "AccessDenied", "No way") },
      {},
      "access denied with key testaccess",
    ],
    ["a busy store", { faults: () => "slow-down" }, {}, "too busy"],
    ["a reset", { faults: () => "reset-before" }, {}, "ECONNRESET"],
    [
      "a server that is away",
      {},
      { endpoint: "http://127.0.0.1:9" },
      "nothing listens at http://127.0.0.1:9",
    ],
  ])("%s", async (_what, options, changes, expected) => {
    const error = await fromSdk(options, changes);
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error).toHaveProperty("message", expect.stringContaining(expected));
  });
});
