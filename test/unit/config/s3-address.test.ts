import { describe, expect, it } from "vitest";
import { buildS3 } from "../../support/built-s3-settings.ts";

describe("the address of S3", () => {
  it.each([
    ["https://S3.example.com/", {}, "https://s3.example.com"],
    ["http://127.0.0.1:9000", {}, "http://127.0.0.1:9000"],
    ["s3.example.com:9000", {}, "https://s3.example.com:9000"],
    ["minio:9000", { secure: false }, "http://minio:9000"],
    ["https://s3.example.com:443", {}, "https://s3.example.com"],
    ["https://s3.example.com", { secure: false }, "https://s3.example.com"],
  ])("is made of %s with %j", (regionendpoint, keys, endpoint) => {
    const { storage, said } = buildS3({ regionendpoint, ...keys });
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
    expect(buildS3({ regionendpoint }).said).toEqual([`fatal: regionendpoint ${problem}`]);
  });

  it("can be another one for clients", () => {
    const keys = { regionendpoint: "http://10.0.0.1", redirectendpoint: "https://s3-public.example.com/" };
    expect(buildS3(keys).storage).toMatchObject({
      endpoint: "http://10.0.0.1",
      redirectEndpoint: "https://s3-public.example.com",
    });
  });

  it("has nothing that only AWS has with another server", () => {
    const { storage, said } = buildS3({ regionendpoint: "https://s3.example.com", accelerate: true });
    expect(storage.accelerate).toBe(false);
    expect(said).toEqual(["warning: accelerate is of no effect with regionendpoint"]);
  });

  it("keeps the bucket in the host name with acceleration", () => {
    expect(buildS3({ accelerate: true, forcepathstyle: true })).toMatchObject({
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
    const { storage, notes, said } = buildS3(keys, driver);
    expect({ pathStyle: storage.pathStyle, notes, said }).toEqual({ pathStyle, notes: [], said: [] });
  });

  it("is the path where the file does not tell, and says so", () => {
    const { storage, notes } = buildS3(other);
    expect(storage.pathStyle).toBe(true);
    expect(notes).toEqual([
      "note: the bucket is addressed as https://s3.example.com/registry, as GitLab's registry and Distribution 2 do; " +
        "for https://registry.s3.example.com, as Distribution 3 does, write forcepathstyle: false",
    ]);
  });

  it("is the host name where only Distribution 3 knows the other keys, and says so", () => {
    const { storage, notes } = buildS3({ ...other, redirectendpoint: "https://s3-public.example.com" });
    expect(storage.pathStyle).toBe(false);
    expect(notes).toEqual([
      "note: the bucket is addressed as https://registry.s3.example.com, as Distribution 3 does; " +
        "for https://s3.example.com/registry write forcepathstyle: true",
    ]);
  });

  it("must not be told in two ways", () => {
    expect(buildS3({ pathstyle: true, forcepathstyle: false }).said).toEqual([
      "fatal: forcepathstyle contradicts pathstyle: write one of them",
    ]);
  });
});
