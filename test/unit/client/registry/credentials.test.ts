import { describe, expect, it } from "vitest";
import { parseChallenge } from "../../../../src/client/registry/challenge.ts";
import {
  credentialsOfEnvironment,
  credentialsOfJob,
  FROM_VARIABLES,
  REGISTRY_VARIABLES,
} from "../../../../src/client/registry/credential-variables.ts";
import { parseScope } from "../../../../src/client/registry/credentials.ts";
import { readDockerConfig } from "../../../../src/client/registry/docker-config.ts";

const HOST = "registry.example:5000";
const read = (config: object) => readDockerConfig(JSON.stringify(config), { file: "auth.json", host: HOST });
const file = (auths: object) => read({ auths }).held;
const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("credentials", () => {
  it("are read as docker login writes them, for exactly that host", () => {
    const basic = { kind: "basic", user: "me", password: "p:w" };
    expect(file({ "registry.example:5000": { auth: base64("me:p:w") } })).toEqual(basic);
    expect(file({ "https://registry.example:5000/v1/": { auth: base64("me:p:w") } })).toEqual(basic);
    expect(file({ "registry.example:5000": { username: "me", password: "p:w" } })).toEqual(basic);
    expect(file({ "registry.example:5000": { registrytoken: "t" } })).toEqual({ kind: "bearer", token: "t" });
    expect(file({ "registry.example:5000": { identitytoken: "i", auth: base64("<token>:") } })).toEqual({
      ...{ kind: "identity", token: "i" },
    });
    for (const other of ["registry.example", "registry.example:5000.evil", "other/registry.example:5000"]) {
      const entry = read({ auths: { [other]: { auth: base64("me:pw") } } });
      expect(entry).toEqual({ held: undefined, isNamed: false, helper: undefined });
    }
  });

  it("count by the plain name of the host before one with a scheme", () => {
    const auths = {
      [`https://${HOST}`]: { auth: base64("other:pw") },
      [HOST]: { auth: base64("me:pw") },
    };
    expect(file(auths)).toEqual({ kind: "basic", user: "me", password: "pw" });
  });

  it("are kept by the program for that host, or by the one for all", () => {
    expect(read({ credsStore: "all", credHelpers: { [HOST]: "one" } }).helper).toBe("one");
    expect(read({ credsStore: "all", credHelpers: { other: "one" } }).helper).toBe("all");
    expect(read({ credHelpers: { other: "one" } }).helper).toBeUndefined();
    expect(read({ credsStore: "", credHelpers: 5 }).helper).toBeUndefined();
  });

  it("are told to be of no use without being shown", () => {
    for (const entry of [{}, { auth: "" }, { identitytoken: 5 }, { auth: base64("hunter2") }]) {
      expect(read({ auths: { [HOST]: entry } })).toMatchObject({ held: undefined, isNamed: true });
    }
    const broken = (): unknown => readDockerConfig('{"hunter2', { file: "auth.json", host: "h" });
    expect(broken).toThrow("is no JSON");
    expect(broken).not.toThrow("hunter2");
  });

  it("are taken from the environment, whole", () => {
    expect(credentialsOfEnvironment({}, FROM_VARIABLES)).toBeUndefined();
    const user = { REGISTRY_CTL_FROM_USERNAME: "me" };
    expect(() => credentialsOfEnvironment(user, FROM_VARIABLES)).toThrow(
      "REGISTRY_CTL_FROM_PASSWORD is not set",
    );
    expect(credentialsOfEnvironment({ ...user, REGISTRY_CTL_FROM_PASSWORD: "pw" }, FROM_VARIABLES)).toEqual({
      ...{ kind: "basic", user: "me", password: "pw" },
    });
    expect(credentialsOfEnvironment({ REGISTRY_CTL_TOKEN: "t" }, REGISTRY_VARIABLES)).toEqual({
      kind: "bearer",
      token: "t",
    });
  });
});

describe("credentials of a GitLab job", () => {
  const job = { CI_REGISTRY: HOST, CI_REGISTRY_USER: "u", CI_REGISTRY_PASSWORD: "p", CI_JOB_TOKEN: "t" };
  const of = (env: Record<string, string>, address: string) => credentialsOfJob(env, new URL(address));

  it("are for the registry that the job names", () => {
    expect(of(job, `https://${HOST}/`)).toEqual({ kind: "basic", user: "u", password: "p" });
    const token = { CI_REGISTRY: "registry.example:443", CI_JOB_TOKEN: "t" };
    expect(of(token, "https://registry.example/")).toEqual({
      ...{ kind: "basic", user: "gitlab-ci-token", password: "t" },
    });
  });

  it("are for no other", () => {
    for (const address of [
      "https://registry.example/",
      "https://registry.example.evil:5000/",
      "https://evil/registry.example:5000",
      "https://registry.example:5001/",
    ]) {
      expect(of(job, address)).toBeUndefined();
    }
    for (const named of ["", "evil@registry.example:5000/x", "https://registry.example:5000", ":"]) {
      const found = of({ ...job, CI_REGISTRY: named }, "https://registry.example/");
      expect(found).toBeUndefined();
    }
    const { CI_REGISTRY: _, ...without } = job;
    expect(of(without, `https://${HOST}/`)).toBeUndefined();
  });
});

describe("what a token is wanted for", () => {
  it("is read from its scope, in which names may hold colons", () => {
    expect(parseScope("repository:a/b:pull,delete")).toEqual({
      ...{ type: "repository", name: "a/b", actions: ["pull", "delete"] },
    });
    expect(parseScope("repository:host:5000/a:pull")?.name).toBe("host:5000/a");
    expect(parseScope("registry:catalog:*")?.actions).toEqual(["*"]);
    expect(parseScope("pull")).toBeUndefined();
  });
});

describe("what a registry asks for", () => {
  it("is understood in all forms that there are", () => {
    expect(parseChallenge('Basic realm="x"')).toEqual({ kind: "basic" });
    expect(parseChallenge('bearer realm="https://a/b",service="c d" , scope=repository:x:pull')).toEqual({
      ...{ kind: "bearer", realm: "https://a/b", service: "c d", scope: "repository:x:pull" },
    });
    expect(parseChallenge('Bearer realm="https://a/b",error="invalid_token"')).toMatchObject({
      error: "invalid_token",
    });
    for (const odd of [undefined, "", "Digest realm=x", "Bearer", 'Bearer service="x"']) {
      expect(parseChallenge(odd)).toBeUndefined();
    }
  });
});
