import { describe, expect, it } from "vitest";
import type { HttpSettings } from "../../../../src/config/settings.ts";
import { ConfigError } from "../../../../src/errors.ts";
import {
  describeListenAddress,
  isLocalOnly,
  parseListenAddress,
} from "../../../../src/process/workers/listen-address.ts";
import { tlsSettings } from "../../../support/tls-settings.ts";

const parse = (addr: string, net: HttpSettings["net"] = "tcp") => parseListenAddress({ addr, net });
const plain = { prefix: "/", tls: undefined };

describe("parseListenAddress", () => {
  it.each([
    [":5000", undefined, 5000],
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["localhost:5000", "localhost", 5000],
    ["[::1]:5001", "::1", 5001],
    ["registry.example.org:0", "registry.example.org", 0],
    ["", "127.0.0.1", 5000],
  ])("reads %s", (addr, host, port) => {
    expect(parse(addr)).toEqual({ kind: "tcp", host, port });
  });

  it.each(["5000", "localhost", "localhost:", ":65536", "::1:5000", "[localhost]:5000", "[::1]", "a:b:1"])(
    "refuses %s",
    (addr) => {
      expect(() => parse(addr)).toThrow(ConfigError);
    },
  );

  it("takes a path for a Unix socket, and needs one", () => {
    expect(parse("/run/registry.sock", "unix")).toEqual({ kind: "unix", path: "/run/registry.sock" });
    expect(() => parse("", "unix")).toThrow(ConfigError);
  });
});

describe("isLocalOnly", () => {
  it.each(["127.0.0.1:1", "127.8.0.1:1", "localhost:1", "[::1]:1"])("is true of %s", (addr) => {
    expect(isLocalOnly(parse(addr))).toBe(true);
  });

  it.each([":1", "0.0.0.0:1", "[::]:1", "10.0.0.1:1", "127.example.org:1"])("is false of %s", (addr) => {
    expect(isLocalOnly(parse(addr))).toBe(false);
  });
});

describe("describeListenAddress", () => {
  it("gives a URL that can be opened", () => {
    const tls = tlsSettings("c", "k");
    expect(describeListenAddress(parse(":5000"), plain)).toBe("http://0.0.0.0:5000/");
    expect(describeListenAddress(parse("[::1]:5000"), { prefix: "/r/", tls })).toBe("https://[::1]:5000/r/");
    expect(describeListenAddress(parse("/s", "unix"), plain)).toBe("unix:/s");
  });
});
