import { describe, expect, it } from "vitest";
import { buildSettings } from "../../../src/config/build-settings.ts";
import { checkWhole } from "../../../src/config/check-whole.ts";
import { parseYaml } from "../../../src/config/parse-yaml.ts";
import { readValues } from "../../../src/config/read-values.ts";
import type { S3StorageSettings } from "../../../src/config/settings.ts";

interface Built {
  storage: S3StorageSettings;
  /** Kind, key below the driver and message behind the key. */
  said: string[];
  notes: string[];
}

const KEYS = { accesskey: "AKIAEXAMPLEEXAMPLE00", secretkey: "example-secret-key" };

function build(keys: Readonly<Record<string, unknown>>, driver: "s3" | "s3_v2" = "s3"): Built {
  const section = { bucket: "registry", region: "eu-central-1", ...keys };
  const text = JSON.stringify({ version: 0.1, storage: { [driver]: section } });
  const { root } = parseYaml(text, { kind: "file", file: "config.yml" });
  if (root?.kind !== "map") throw new Error("the test's configuration is no mapping");
  const read = readValues(root);
  const built = buildSettings(root, read);
  const { storage } = built.settings;
  if (storage.driver !== driver) throw new Error(`the settings are those of ${storage.driver}`);
  const findings = [...read.findings, ...checkWhole(root), ...built.findings];
  const said = findings
    .filter(({ message }) => !message.includes("is not implemented yet"))
    .map(({ kind, message }) => `${kind}: ${message.replace(`storage.${driver}.`, "")}`);
  return { storage, said, notes: built.notes };
}

describe("settings of S3", () => {
  it("have defaults with which nothing is sent that is not asked for", () => {
    expect(build({})).toEqual({
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
    const { storage, said } = build({
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

  it("limit requests by default where GitLab's second driver does", () => {
    expect(build({}, "s3_v2").storage.maxRequestsPerSecond).toBe(350);
    expect(build({ maxrequestspersecond: 0 }, "s3_v2").storage.maxRequestsPerSecond).toBe(0);
    expect(build({ maxrequestspersecond: 5000 }, "s3_v2")).toMatchObject({
      storage: { maxRequestsPerSecond: 5000 },
      said: ["warning: maxrequestspersecond is more than the 3500 that S3 takes: 0 means no limit of ours"],
    });
  });

  it.each([
    [{ chunksize: 5_242_879 }, 'fatal: chunksize must be at least 5242880, not "5242879"'],
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
    expect(build(keys).said).toEqual([message]);
  });

  it("refuse a bucket that is not there at all", () => {
    for (const bucket of [null, ""]) {
      expect(build({ bucket }).said).toEqual(["fatal: storage.s3 lacks bucket"]);
    }
  });

  it("need no region where the server is not AWS", () => {
    const { storage, said } = build({ region: "", regionendpoint: "https://s3.example.com" });
    expect([storage.region, said]).toEqual(["us-east-1", []]);
  });

  it("pass by v4auth for the driver that does not look at it", () => {
    expect(build({ v4auth: false }, "s3_v2").said).toEqual([
      "warning: v4auth is of no effect: requests are signed with version 4",
    ]);
  });

  it("use keys only in pairs", () => {
    const { credentials } = build({ ...KEYS, sessiontoken: "token" }).storage;
    expect(credentials).toEqual({
      accessKey: KEYS.accesskey,
      secretKey: KEYS.secretkey,
      sessionToken: "token",
    });
    expect(build({ secretkey: "x" }).storage.credentials).toBeUndefined();
  });

  it("never put a secret into a message", () => {
    const { said } = build({ secretkey: "example-secret", accesskey: ["example-secret"], sessiontoken: {} });
    expect(said.length).toBeGreaterThan(0);
    expect(said.join()).not.toContain("example-secret");
  });

  it("encrypt with S3's keys, or with the key that is named", () => {
    expect(build({ encrypt: "true" }).storage.encryption).toEqual({ kind: "AES256" });
    expect(build({ encrypt: true, keyid: "alias/x" }).storage.encryption).toEqual({
      kind: "aws:kms",
      keyId: "alias/x",
    });
  });

  it("send the storage class and the ACL that are written, and NONE for no class", () => {
    expect(build({ storageclass: "standard_ia", objectacl: "bucket-owner-full-control" })).toMatchObject({
      storage: { storageClass: "STANDARD_IA", objectAcl: "bucket-owner-full-control" },
      said: [],
    });
    expect(build({ storageclass: "none" }).storage.storageClass).toBe("");
    expect(build({ storageclass: "GLACIER" }).said).toEqual([
      expect.stringMatching(/^fatal: storageclass must be one of NONE, STANDARD, /),
    ]);
    expect(build({ objectacl: "everybody" }).said).toEqual([
      expect.stringMatching(/^fatal: objectacl must be one of private, /),
    ]);
  });

  it("take no slashes from the ends of the root directory into keys", () => {
    expect(build({ rootdirectory: "/s3/prefix/" }).storage.rootDirectory).toBe("s3/prefix");
    expect(build({ rootdirectory: "/" }).storage.rootDirectory).toBe("");
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
    expect(build(keys, driver).storage.checksums).toEqual(checksums);
  });

  it.each([
    ["off", "off"],
    [false, "off"],
    ["debugwithsigning", "debugwithsigning"],
    ["LogSigning,logretries", "signing,retries"],
    ["logrequest,logoff", "off"],
    ["logoff", "off"],
  ])("read the log level %j as %s", (loglevel, expected) => {
    expect(build({ loglevel })).toMatchObject({ storage: { logLevel: expected } });
    expect(build({ loglevel }).said.filter((each) => each.startsWith("warning"))).toEqual([]);
  });
});

describe("the address of S3", () => {
  it.each([
    ["https://S3.example.com/", {}, "https://s3.example.com"],
    ["http://127.0.0.1:9000", {}, "http://127.0.0.1:9000"],
    ["s3.example.com:9000", {}, "https://s3.example.com:9000"],
    ["minio:9000", { secure: false }, "http://minio:9000"],
    ["https://s3.example.com:443", {}, "https://s3.example.com"],
    ["https://s3.example.com", { secure: false }, "https://s3.example.com"],
  ])("is made of %s with %j", (regionendpoint, keys, endpoint) => {
    const { storage, said } = build({ regionendpoint, ...keys });
    expect(storage.endpoint).toBe(endpoint);
    expect(said.filter((each) => each.startsWith("fatal"))).toEqual([]);
  });

  it.each([
    [
      "https://s3.example.com/registry",
      "must end behind the host or its port: the bucket has a key of its own",
    ],
    ["https://s3.example.com?x", "must end behind the host or its port: the bucket has a key of its own"],
    ["ftp://s3.example.com", "must begin with https:// or http://, not ftp://"],
    ["https://a b", "must be an address such as https://s3.example.com:9000"],
    [
      "https://me:example-secret@s3.example.com",
      "must hold no user and no password: they go into accesskey and secretkey",
    ],
  ])("is refused as %s", (regionendpoint, problem) => {
    expect(build({ regionendpoint }).said).toEqual([`fatal: regionendpoint ${problem}`]);
  });

  it("can be another one for clients", () => {
    const keys = { regionendpoint: "http://10.0.0.1", redirectendpoint: "https://s3-public.example.com/" };
    expect(build(keys).storage).toMatchObject({
      endpoint: "http://10.0.0.1",
      redirectEndpoint: "https://s3-public.example.com",
    });
  });

  it("has nothing that only AWS has with another server", () => {
    const { storage, said } = build({ regionendpoint: "https://s3.example.com", accelerate: true });
    expect(storage.accelerate).toBe(false);
    expect(said).toEqual(["warning: accelerate is of no effect with regionendpoint"]);
  });

  it("keeps the bucket in the host name with acceleration", () => {
    expect(build({ accelerate: true, forcepathstyle: true })).toMatchObject({
      storage: { accelerate: true, pathStyle: false },
      said: ["warning: forcepathstyle is of no effect with accelerate"],
    });
  });
});

describe("the place of the bucket", () => {
  const other = { regionendpoint: "https://s3.example.com" };

  it.each([
    ["AWS", "s3", {}, false],
    ["AWS with pathstyle", "s3", { pathstyle: true }, true],
    ["AWS with forcepathstyle", "s3", { forcepathstyle: true }, true],
    ["another server, for GitLab's second driver", "s3_v2", other, true],
    ["another server, told otherwise", "s3_v2", { ...other, pathstyle: "false" }, false],
    ["another server with forcepathstyle", "s3", { ...other, forcepathstyle: false }, false],
    ["an address in numbers", "s3", { regionendpoint: "http://127.0.0.1:9000", usedualstack: false }, true],
    ["an address of IPv6", "s3", { regionendpoint: "http://[::1]:9000", usedualstack: false }, true],
    ["a name without dots", "s3", { regionendpoint: "http://minio:9000", usedualstack: false }, true],
  ] as const)("is clear for %s", (_name, driver, keys, pathStyle) => {
    const { storage, notes, said } = build(keys, driver);
    expect({ pathStyle: storage.pathStyle, notes, said }).toEqual({ pathStyle, notes: [], said: [] });
  });

  it("is the path where the file does not tell, and says so", () => {
    const { storage, notes } = build(other);
    expect(storage.pathStyle).toBe(true);
    expect(notes).toEqual([
      "note: the bucket is addressed as https://s3.example.com/registry, as GitLab's registry and Distribution 2 do; " +
        "for https://registry.s3.example.com, as Distribution 3 does, write forcepathstyle: false",
    ]);
  });

  it("is the host name where only Distribution 3 knows the other keys, and says so", () => {
    const { storage, notes } = build({ ...other, redirectendpoint: "https://s3-public.example.com" });
    expect(storage.pathStyle).toBe(false);
    expect(notes).toEqual([
      "note: the bucket is addressed as https://registry.s3.example.com, as Distribution 3 does; " +
        "for https://s3.example.com/registry write forcepathstyle: true",
    ]);
  });

  it("must not be told in two ways", () => {
    expect(build({ pathstyle: true, forcepathstyle: false }).said).toEqual([
      "fatal: forcepathstyle contradicts pathstyle: write one of them",
    ]);
  });
});
