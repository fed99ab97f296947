import { describe, expect, it } from "vitest";
import { parseCtlFile, rememberService } from "../../../src/config/ctl-file.ts";
import { parseServiceSpec } from "../../../src/config/service-spec.ts";
import { ConfigError } from "../../../src/errors.ts";

const spec = parseServiceSpec("systemd:docker-registry");

describe("parseCtlFile", () => {
  it("reads all keys", () => {
    const text =
      "config: /etc/r.yml\nservice: runit:registry\nnodes: [r1:5000, 'https://r2:443/', '[::1]:5000']\n";
    expect(parseCtlFile(text, "ctl.yml")).toEqual({
      config: "/etc/r.yml",
      service: { kind: "runit", service: "registry" },
      nodes: ["r1:5000", "https://r2:443/", "[::1]:5000"],
    });
  });

  it("reads commands of their own", () => {
    const text =
      "service:\n  start: systemctl start a b\n  stop: systemctl stop a b\n  log: /var/log/r.log\n";
    expect(parseCtlFile(text, "ctl.yml").service).toEqual({
      kind: "command",
      commands: { start: "systemctl start a b", stop: "systemctl stop a b", log: "/var/log/r.log" },
    });
  });

  it.each(["", "# nothing\n", "service:\nnodes:\n"])("says nothing for %j", (text) => {
    expect(parseCtlFile(text, "ctl.yml")).toEqual({ config: undefined, service: undefined, nodes: [] });
  });

  it.each([
    ["servcie: x", "ctl.yml:1:1: servcie is not known"],
    ["nodes: []\nservice: 7", 'ctl.yml:2:10: a service is not "7"'],
    ["service: {start: a}", "ctl.yml:1:10: service has no stop"],
    ["service: {start: a, stop: b, kill: c}", "ctl.yml:1:30: service.kill is not known"],
    ["service: {start: [a], stop: b}", "service.start must be a text"],
    ["nodes: r1", "ctl.yml:1:8: nodes must be a list"],
    ["nodes: [r1, 'a b']", "ctl.yml:1:13: a node must be"],
    ["config: r.yml", "ctl.yml:1:9: config must be an absolute path"],
    ["- a", "it must be a mapping"],
    ["a: [", "the YAML is broken"],
  ])("refuses %j with its place", (text, message) => {
    expect(() => parseCtlFile(text, "ctl.yml")).toThrow(ConfigError);
    expect(() => parseCtlFile(text, "ctl.yml")).toThrow(message);
  });
});

describe("rememberService", () => {
  const options = { spec, config: "/etc/r.yml", file: "ctl.yml" };

  it("makes a new text that says the same when it is read", () => {
    const text = rememberService("", options);
    expect(text).toBe("config: /etc/r.yml\nservice: systemd:docker-registry.service\n");
  });

  it("keeps comments, nodes and their order", () => {
    const text = "# ours\nnodes:\n  - r1:5000 # left\nservice: runit:a # old\n";
    expect(rememberService(text, options)).toBe(
      "# ours\nnodes:\n  - r1:5000 # left\nservice: systemd:docker-registry.service # old\nconfig: /etc/r.yml\n",
    );
  });

  it("keeps a comment that stands alone", () => {
    const text = rememberService("# nothing yet\n", options);
    expect(text).toContain("# nothing yet");
    expect(parseCtlFile(text, "ctl.yml").service).toEqual(spec);
  });

  it("replaces commands of their own", () => {
    const text = rememberService("service:\n  start: a\n  stop: b\n", options);
    expect(parseCtlFile(text, "ctl.yml").service).toEqual(spec);
  });

  it("writes commands that come back the same, whatever is in them", () => {
    const line = `command:sh -c 'echo "a: b" # {}'`;
    const text = rememberService("", { ...options, spec: parseServiceSpec(line) });
    expect(parseCtlFile(text, "ctl.yml").service).toEqual(parseServiceSpec(line));
  });

  it("touches no text that is wrong", () => {
    expect(() => rememberService("a: b\n", options)).toThrow(ConfigError);
  });
});
