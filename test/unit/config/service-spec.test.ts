import { describe, expect, it } from "vitest";
import { formatServiceSpec, parseServiceSpec } from "../../../src/config/service-spec.ts";
import { UsageError } from "../../../src/errors.ts";

describe("parseServiceSpec", () => {
  it("takes a unit with and without its ending", () => {
    expect(parseServiceSpec("systemd:docker-registry")).toEqual({
      kind: "systemd",
      unit: "docker-registry.service",
    });
    expect(parseServiceSpec("systemd:registry@eu.service")).toEqual({
      kind: "systemd",
      unit: "registry@eu.service",
    });
    expect(parseServiceSpec("systemd:my.registry")).toEqual({ kind: "systemd", unit: "my.registry.service" });
  });

  it("takes a name of runit, and a folder", () => {
    expect(parseServiceSpec("runit:registry")).toEqual({ kind: "runit", service: "registry" });
    expect(parseServiceSpec("runit:/opt/gitlab/service/registry")).toEqual({
      kind: "runit",
      service: "/opt/gitlab/service/registry",
    });
  });

  it("puts each word in the place of {}, or behind a line without it", () => {
    const docker = parseServiceSpec("command:docker {} registry");
    expect(docker).toMatchObject({
      commands: {
        start: "docker start registry",
        stop: "docker stop registry",
        restart: "docker restart registry",
        status: "docker status registry",
      },
    });
    expect(parseServiceSpec("command:/etc/init.d/docker-registry")).toMatchObject({
      commands: { start: "/etc/init.d/docker-registry start", status: "/etc/init.d/docker-registry status" },
    });
  });

  it.each([
    "",
    "registry",
    "systemd:",
    "systemd:-H evil",
    "systemd:--force",
    "systemd:a b",
    "systemd:registry.socket",
    "runit:",
    "runit:../x",
    "runit:-w",
    "command:",
    "command: ",
    'command:{"start":"a"}',
    'command:{"start',
    "upstart:registry",
  ])("refuses %j", (text) => {
    expect(() => parseServiceSpec(text)).toThrow(UsageError);
  });

  it.each([
    "systemd:docker-registry.service",
    "runit:/srv/registry",
    "command:/etc/init.d/docker-registry",
    "command:docker {} registry",
    'command:{"start":"a b","stop":"c","log":"/var/log/x"}',
  ])("writes %s as it was read", (text) => {
    expect(formatServiceSpec(parseServiceSpec(text))).toBe(text);
  });
});
