import { describe, expect, it } from "vitest";
import { parseBasicCredentials } from "../../../../src/server/auth/basic-credentials.ts";

function basic(credentials: string | Buffer): string {
  return `Basic ${Buffer.from(credentials).toString("base64")}`;
}

function parse(header: string | undefined) {
  const found = parseBasicCredentials(header);
  return found && { name: found.name, password: found.password.toString() };
}

describe("parseBasicCredentials", () => {
  it.each([
    ["alice:secret", "alice", "secret"],
    ["alice:se:cr:et", "alice", "se:cr:et"],
    ["alice:", "alice", ""],
    [":secret", "", "secret"],
    ["alice::", "alice", ":"],
  ])("reads %j", (credentials, name, password) => {
    expect(parse(basic(credentials))).toEqual({ name, password });
  });

  it("takes the scheme in any case, as Go does", () => {
    expect(parse(basic("a:b").replace("Basic", "bAsIc"))).toEqual({ name: "a", password: "b" });
  });

  it("leaves names as bytes", () => {
    expect(parse(basic("josé:ü"))).toEqual({ name: Buffer.from("josé").toString("latin1"), password: "ü" });
  });

  it.each([
    undefined,
    "",
    "Basic",
    "Basic ",
    "Bearer YTpi",
    basic("no colon"),
    basic("a:b\0c"),
    basic("a\0:b"),
    "Basic YTpi=",
    "Basic YT%pi",
    "Basic YTpi YTpi",
    "Basic a-_b",
  ])("finds nothing in %j", (header) => {
    expect(parse(header)).toBeUndefined();
  });
});
