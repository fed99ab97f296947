import { describe, expect, it } from "vitest";
import { parseChallenge } from "../../../../src/client/pull/challenge.ts";
import { credentialsOfEnvironment, credentialsOfFile } from "../../../../src/client/pull/credentials.ts";

const file = (auths: object, host = "registry.example:5000") =>
  credentialsOfFile(JSON.stringify({ auths }), { file: "auth.json", host });
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("credentials", () => {
  it("are read as docker login writes them, for exactly that host", () => {
    const basic = { kind: "basic", user: "me", password: "p:w" };
    expect(file({ "registry.example:5000": { auth: base64("me:p:w") } })).toEqual(basic);
    expect(file({ "https://registry.example:5000/v1/": { auth: base64("me:p:w") } })).toEqual(basic);
    expect(file({ "registry.example:5000": { username: "me", password: "p:w" } })).toEqual(basic);
    expect(file({ "registry.example:5000": { registrytoken: "t" } })).toEqual({ kind: "bearer", token: "t" });
    expect(() => file({ "registry.example": { auth: base64("me:pw") } })).toThrow("no credentials for");
    expect(() => file({ "registry.example:5000.evil": { auth: base64("me:pw") } })).toThrow("no credentials");
  });

  it("are told to be of no use without being shown", () => {
    for (const entry of [{}, { auth: "" }, { identitytoken: "hunter2" }, { auth: base64("hunter2") }]) {
      expect(() => file({ "registry.example:5000": entry })).toThrow("holds neither");
      expect(() => file({ "registry.example:5000": entry })).not.toThrow("hunter2");
    }
    const broken = (): unknown => credentialsOfFile('{"hunter2', { file: "auth.json", host: "h" });
    expect(broken).toThrow("is no JSON");
    expect(broken).not.toThrow("hunter2");
  });

  it("are taken from the environment, whole", () => {
    expect(credentialsOfEnvironment({})).toBeUndefined();
    const user = { REGISTRY_CTL_FROM_USERNAME: "me" };
    expect(() => credentialsOfEnvironment(user)).toThrow("REGISTRY_CTL_FROM_PASSWORD is not set");
    expect(credentialsOfEnvironment({ ...user, REGISTRY_CTL_FROM_PASSWORD: "pw" })).toEqual({
      ...{ kind: "basic", user: "me", password: "pw" },
    });
    expect(credentialsOfEnvironment({ REGISTRY_CTL_FROM_TOKEN: "t" })).toEqual({
      kind: "bearer",
      token: "t",
    });
  });
});

describe("what a registry asks for", () => {
  it("is understood in all forms that there are", () => {
    expect(parseChallenge('Basic realm="x"')).toEqual({ kind: "basic" });
    expect(parseChallenge('bearer realm="https://a/b",service="c d" , scope=repository:x:pull')).toEqual({
      ...{ kind: "bearer", realm: "https://a/b", service: "c d", scope: "repository:x:pull" },
    });
    for (const odd of [undefined, "", "Digest realm=x", "Bearer", 'Bearer service="x"']) {
      expect(parseChallenge(odd)).toBeUndefined();
    }
  });
});
