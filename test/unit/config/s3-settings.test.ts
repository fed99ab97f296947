import { describe, expect, it } from "vitest";
import { buildS3 } from "../../support/built-s3-settings.ts";

const KEYS = { accesskey: "AKIAEXAMPLEEXAMPLE00", secretkey: "example-secret-key" };

describe("settings of S3", () => {
  it("have defaults with which nothing is sent that is not asked for", () => {
    expect(buildS3({})).toEqual({
      storage: {
        driver: "s3",
        region: "eu-central-1",
        bucket: "registry",
        endpoint: "",
        redirectEndpoint: "",
        credentials: undefined,
        rootDirectory: "",
        pathStyle: false,
        accelerate: false,
        dualStack: false,
        fips: false,
        skipVerify: false,
        userAgent: "",
        encryption: undefined,
        storageClass: "",
        objectAcl: "",
        checksums: { when: "supported", algorithm: undefined },
        maxRequestsPerSecond: 0,
        maxRetries: 5,
        chunkBytes: 10_485_760,
        copy: { chunkBytes: 33_554_432, concurrency: 100, thresholdBytes: 33_554_432 },
        logLevel: "off",
      },
      said: [],
      notes: [],
    });
  });

  it("take strings for numbers and booleans, as the Go registry does", () => {
    const { storage, said } = buildS3({
      chunksize: "5242880",
      maxretries: "7",
      maxrequestspersecond: "100",
      multipartcopychunksize: "16777216",
      multipartcopymaxconcurrency: "4",
      multipartcopythresholdsize: "0",
      skipverify: "true",
      usedualstack: "1",
    });
    expect(storage).toMatchObject({
      chunkBytes: 5_242_880,
      maxRetries: 7,
      maxRequestsPerSecond: 100,
      copy: { chunkBytes: 16_777_216, concurrency: 4, thresholdBytes: 0 },
      skipVerify: true,
      dualStack: true,
    });
    expect(said).toEqual([]);
  });

  it("copy large blobs in parts by default on AWS, whole on compatible servers", () => {
    const copied = (keys: Record<string, string>) => buildS3(keys).storage.copy.thresholdBytes;
    expect(copied({})).toBe(32 * 1024 ** 2);
    expect(copied({ regionendpoint: "https://s3.example.com" })).toBe(1024 ** 3);
    expect(copied({ regionendpoint: "https://s3.example.com", multipartcopythresholdsize: "5" })).toBe(5);
  });

  it("limit requests by default where GitLab's second driver does", () => {
    expect(buildS3({}, "s3_v2").storage.maxRequestsPerSecond).toBe(350);
    expect(buildS3({ maxrequestspersecond: 0 }, "s3_v2").storage.maxRequestsPerSecond).toBe(0);
    expect(buildS3({ maxrequestspersecond: 5000 }, "s3_v2")).toMatchObject({
      storage: { maxRequestsPerSecond: 5000 },
      said: ["warning: maxrequestspersecond is more than the 3500 that S3 takes: 0 means no limit of ours"],
    });
  });

  it.each([
    [{ chunksize: 5_242_879 }, 'fatal: chunksize must be at least 5242880, not "5242879"'],
    [
      { chunksize: 33_554_433 },
      "warning: chunksize counts as 33554432: larger parts would not fit into memory",
    ],
    [{ multipartcopychunksize: 1 }, 'fatal: multipartcopychunksize must be at least 5242880, not "1"'],
    [
      { bucket: "registry/images" },
      "fatal: bucket must be a name without a slash: write the folder in it as rootdirectory",
    ],
    [
      { bucket: "arn:aws:s3:eu-central-1:123456789012:accesspoint/images" },
      "fatal: bucket must be a name: give the access point's alias instead of its ARN",
    ],
    [{ region: "" }, "fatal: region is missing: name the bucket's region, such as eu-central-1"],
    [
      { region: "evil.example.com/" },
      "fatal: region must be the name of a region of AWS, such as eu-central-1",
    ],
    [
      { v4auth: false },
      "fatal: v4auth is false, and signature version 2 is not spoken: leave it out if the server takes version 4",
    ],
    [{ keyid: "alias/x" }, "fatal: keyid would encrypt nothing: write encrypt: true too, or leave it out"],
    [{ rootdirectory: "/a/../b" }, "fatal: rootdirectory must have no segment . or .."],
    [
      { objectownership: true, objectacl: "private" },
      "fatal: objectacl does not go together with objectownership, with which objects have no ACL",
    ],
    [
      { accelerate: true, usefipsendpoint: true },
      "fatal: accelerate does not go together with usefipsendpoint",
    ],
    [{ secure: false }, "warning: secure is of no effect: AWS is spoken to over HTTPS"],
    [
      { regionendpoint: "http://127.0.0.1:9000", secure: true },
      "warning: secure is of no effect: regionendpoint begins with http://, so nothing is encrypted on the way",
    ],
    [
      { accesskey: "AKIAEXAMPLEEXAMPLE00" },
      "problem: accesskey is of no effect without secretkey: credentials come from the environment, a profile or the host's role",
    ],
    [{ sessiontoken: "t" }, "problem: sessiontoken is of no effect without accesskey and secretkey"],
    [
      { checksum_disabled: true, checksum_algorithm: "sha256" },
      "warning: checksum_algorithm is of no effect with checksum_disabled",
    ],
    [{ loglevel: "lots" }, 'warning: loglevel has "lots", which no registry knows: nothing is logged'],
  ])("say of %j: %s", (keys, message) => {
    expect(buildS3(keys).said).toEqual([message]);
  });

  it("refuse a bucket that is not there at all", () => {
    for (const bucket of [null, ""]) {
      expect(buildS3({ bucket }).said).toEqual(["fatal: storage.s3 lacks bucket"]);
    }
  });

  it("need no region where the server is not AWS", () => {
    const { storage, said } = buildS3({ region: "", regionendpoint: "https://s3.example.com" });
    expect([storage.region, said]).toEqual(["us-east-1", []]);
  });

  it("pass by v4auth for the driver that does not look at it", () => {
    expect(buildS3({ v4auth: false }, "s3_v2").said).toEqual([
      "warning: v4auth is of no effect: requests are signed with version 4",
    ]);
  });

  it("use keys only in pairs", () => {
    const { credentials } = buildS3({ ...KEYS, sessiontoken: "token" }).storage;
    expect(credentials).toEqual({
      accessKey: KEYS.accesskey,
      secretKey: KEYS.secretkey,
      sessionToken: "token",
    });
    expect(buildS3({ secretkey: "x" }).storage.credentials).toBeUndefined();
  });

  it("never put a secret into a message", () => {
    const { said } = buildS3({
      secretkey: "example-secret",
      accesskey: ["example-secret"],
      sessiontoken: {},
    });
    expect(said.length).toBeGreaterThan(0);
    expect(said.join()).not.toContain("example-secret");
  });

  it("encrypt with S3's keys, or with the key that is named", () => {
    expect(buildS3({ encrypt: "true" }).storage.encryption).toEqual({ kind: "AES256" });
    expect(buildS3({ encrypt: true, keyid: "alias/x" }).storage.encryption).toEqual({
      kind: "aws:kms",
      keyId: "alias/x",
    });
  });

  it("send the storage class and the ACL that are written, and NONE for no class", () => {
    expect(buildS3({ storageclass: "standard_ia", objectacl: "bucket-owner-full-control" })).toMatchObject({
      storage: { storageClass: "STANDARD_IA", objectAcl: "bucket-owner-full-control" },
      said: [],
    });
    expect(buildS3({ storageclass: "none" }).storage.storageClass).toBe("");
    expect(buildS3({ storageclass: "GLACIER" }).said).toEqual([
      expect.stringMatching(/^fatal: storageclass must be one of NONE, STANDARD, /),
    ]);
    expect(buildS3({ objectacl: "everybody" }).said).toEqual([
      expect.stringMatching(/^fatal: objectacl must be one of private, /),
    ]);
  });

  it("take no slashes from the ends of the root directory into keys", () => {
    expect(buildS3({ rootdirectory: "/s3/prefix/" }).storage.rootDirectory).toBe("s3/prefix");
    expect(buildS3({ rootdirectory: "/" }).storage.rootDirectory).toBe("");
  });

  it.each([
    ["s3", {}, { when: "supported", algorithm: undefined }],
    ["s3", { regionendpoint: "https://s3.example.com" }, { when: "required", algorithm: undefined }],
    [
      "s3",
      { regionendpoint: "https://s3.example.com", checksum_disabled: false },
      { when: "supported", algorithm: undefined },
    ],
    [
      "s3",
      { regionendpoint: "https://s3.example.com", checksum_algorithm: "crc32c" },
      { when: "supported", algorithm: "CRC32C" },
    ],
    ["s3_v2", { regionendpoint: "https://s3.example.com" }, { when: "supported", algorithm: undefined }],
    ["s3_v2", { checksum_disabled: "true" }, { when: "required", algorithm: undefined }],
  ] as const)("send checksums with %s and %j as %j", (driver, keys, checksums) => {
    expect(buildS3(keys, driver).storage.checksums).toEqual(checksums);
  });

  it.each([
    ["off", "off"],
    [false, "off"],
    ["debugwithsigning", "debugwithsigning"],
    ["LogSigning,logretries", "signing,retries"],
    ["logrequest,logoff", "off"],
    ["logoff", "off"],
  ])("read the log level %j as %s", (loglevel, expected) => {
    expect(buildS3({ loglevel })).toMatchObject({ storage: { logLevel: expected } });
    expect(buildS3({ loglevel }).said.filter((each) => each.startsWith("warning"))).toEqual([]);
  });
});
