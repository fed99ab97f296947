import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../../src/config/read-config.ts";
import type { Settings } from "../../../../src/config/settings.ts";
import {
  DERIVED_KINDS,
  type DerivedFacts,
  linesBesideCron,
  planDerivedFiles,
} from "../../../../src/operations/reconfigure/derived-files.ts";
import { nginxSite } from "../../../../src/operations/reconfigure/nginx-site.ts";
import { systemdUnit } from "../../../../src/operations/reconfigure/systemd-unit.ts";
import { describeWithPrograms, programPath } from "../../../support/programs.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

function settingsOf(http: string, storage = "filesystem: {rootdirectory: /srv/registry}"): Settings {
  const { settings } = readConfig(`version: 0.1\nstorage: {${storage}}\nhttp: {${http}}\n`, "config.yml", {});
  if (settings === undefined) throw new Error("the test's configuration is wrong");
  return settings;
}

function factsOf(root: string, http = "addr: ':5000'"): DerivedFacts {
  const settings = settingsOf(http);
  const owner = { uid: 990, gid: 991 };
  return {
    root,
    site: { http: settings.http, defaultAddr: "127.0.0.1:5000" },
    unit: {
      settings,
      program: ["/usr/bin/node", "/usr/lib/registry-ctl/bin/registry-ctl.js"],
      config: "/etc/distribution/config.yml",
      user: owner,
      stateName: "0123456789abcdef",
      envFrom: [],
    },
    log: { stateFolder: "/var/lib/registry-ctl/0123456789abcdef", name: "serve.log", owner },
    names: { user: "registry", group: "registry" },
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

describe("planDerivedFiles", () => {
  it("plans what was asked for, below the folder that stands for /", async () => {
    const root = await temporaryFolder();
    const files = planDerivedFiles(["cron", "nginx"], factsOf(root));
    expect(files.map(({ kind, path, before }) => [kind, path, before])).toEqual([
      ["nginx", join(root, "etc/nginx/conf.d/registry.conf"), undefined],
      ["cron", join(root, "etc/cron.d/registry-garbage-collect"), undefined],
    ]);
    expect(files[1]?.after).toContain("5 4 * * 0 root /usr/bin/node ");
  });

  it("finds nothing to change in what it has written itself", async () => {
    const root = await temporaryFolder();
    for (const { path, after } of planDerivedFiles(DERIVED_KINDS, factsOf(root))) write(path, after ?? "");
    for (const { before, after } of planDerivedFiles(DERIVED_KINDS, factsOf(root)))
      expect(before).toBe(after);
  });

  it("keeps schedule and options of a cron file, and gives it the new places", async () => {
    const root = await temporaryFolder();
    const [first] = planDerivedFiles(["cron"], factsOf(root));
    const edited = (first?.after ?? "")
      .replace("5 4 * * 0", "1 2 * * *")
      .replace("--quiet", "-m --untagged-for 3d --quiet");
    write(first?.path ?? "", edited);
    const facts = factsOf(root);
    const program = ["/opt/node 22/bin/node", "/opt/registry-ctl.js"];
    const [moved] = planDerivedFiles(["cron"], {
      ...facts,
      unit: { ...facts.unit, program, config: "/etc/it's/config.yml" },
    });
    const line = moved?.after?.split("\n").find((each) => each.includes(" root "));
    expect(line).toBe(
      "1 2 * * * root '/opt/node 22/bin/node' /opt/registry-ctl.js cron run -- garbage-collect --max-delete 30\\% " +
        "-m --untagged-for 3d --quiet --skip-if-locked '/etc/it'\\''s/config.yml'",
    );
  });

  it("tells of lines that collect the same garbage", async () => {
    const root = await temporaryFolder();
    write(join(root, "etc/cron.d/gitlab"), "5 4 * * 0 root gitlab-ctl registry-garbage-collect\n");
    expect(linesBesideCron(["cron"], factsOf(root))).toEqual([
      `${join(root, "etc/cron.d/gitlab")}:1: 5 4 * * 0 root gitlab-ctl registry-garbage-collect`,
    ]);
    expect(linesBesideCron(["nginx"], factsOf(root))).toEqual([]);
  });
});

describe("nginxSite", () => {
  const site = (http: string) => nginxSite({ http: settingsOf(http).http, defaultAddr: "127.0.0.1:5000" });

  it("leads to where the registry listens", () => {
    expect(site("addr: ':5000'")).toContain("server 127.0.0.1:5000;");
    expect(site("addr: 'localhost:5000'")).toContain("server 127.0.0.1:5000;");
    expect(site("addr: '[::1]:5000'")).toContain("server [::1]:5000;");
    expect(site("addr: ''")).toContain("server 127.0.0.1:5000;");
    expect(site("addr: /run/r.sock, net: unix")).toContain("server unix:/run/r.sock;");
  });

  it("listens where clients come to", () => {
    expect(site("addr: ':5000'")).toMatch(/listen 80;[\s\S]*server_name _;/);
    const https = site("addr: ':5000', host: 'https://registry.example.com', prefix: /r/");
    expect(https).toMatch(/listen 443 ssl;[\s\S]*server_name registry\.example\.com;/);
    expect(https).toContain("ssl_certificate /etc/nginx/ssl/registry.example.com.crt;");
    expect(https).toContain("location /r/ {");
    expect(site("addr: ':5000', host: 'http://r.example.com:8080'")).toContain("listen 8080;");
  });

  it("holds back no body in either direction", () => {
    const text = site("addr: ':5000'");
    for (const line of ["client_max_body_size 0;", "proxy_buffering off;", "proxy_request_buffering off;"]) {
      expect(text).toContain(line);
    }
  });
});

describe("systemdUnit", () => {
  const unit = (http: string, more: Partial<DerivedFacts["unit"]> = {}) =>
    systemdUnit({ ...factsOf("/").unit, settings: settingsOf(http), ...more });

  it("runs as the store's owner, who may write to the store and to nothing else", () => {
    const text = unit("addr: ':5000'");
    expect(text).toContain("User=990\nGroup=991\n");
    expect(text).toContain("ReadWritePaths=/srv/registry\n");
    expect(text).toContain("StateDirectory=registry-ctl/0123456789abcdef\n");
    expect(text).toContain("CapabilityBoundingSet=\n");
  });

  it("leaves it to root to become the owner, and lets another user have a port below 1024", () => {
    expect(unit("addr: ':5000'", { user: undefined })).not.toMatch(/User=|CapabilityBoundingSet/);
    expect(unit("addr: ':443'")).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
  });

  it("lets requests end for as long as they may", () => {
    expect(unit("addr: ':5000', draintimeout: 90s")).toContain("TimeoutStopSec=105\n");
    expect(unit("addr: ':5000'")).toContain("TimeoutStopSec=600\n");
  });

  it("sees programs and files below a home", () => {
    const program = ["/home/me/node", "/home/me/registry-ctl.js"];
    expect(unit("addr: ':5000'", { program })).toContain("ProtectHome=read-only\n");
    expect(unit("addr: ':5000'")).toContain("ProtectHome=yes\n");
  });

  it("says where state is kept, if not in its own folder, at a reload too", () => {
    const text = unit("addr: ':5000'", { stateDir: "/srv/state", envFrom: ["/etc/default/registry"] });
    const options = "--env-from /etc/default/registry --state-dir /srv/state /etc/distribution/config.yml\n";
    expect(text).toContain(`registry-ctl.js serve ${options}`);
    expect(text).toContain(`registry-ctl.js reload ${options}`);
    expect(text).toContain("ReadWritePaths=/srv/registry /srv/state\n");
    expect(text).not.toContain("StateDirectory");
  });

  it("escapes what systemd would replace", () => {
    expect(unit("addr: ':5000'", { config: "/etc/100% $HOME/c.yml" })).toContain('"/etc/100%% $$HOME/c.yml"');
  });
});

describeWithPrograms(["systemd-analyze"], "systemdUnit and systemd", () => {
  it.each([":443", ":5000"])("is one that systemd takes (%s)", async (addr) => {
    const path = join(await temporaryFolder(), "registry-ctl.service");
    const program = [process.execPath, join(import.meta.dirname, "../../../../bin/registry-ctl.js")];
    writeFileSync(
      path,
      systemdUnit({ ...factsOf("/").unit, settings: settingsOf(`addr: '${addr}'`), program }),
    );
    const { status, stdout, stderr } = spawnSync(
      programPath("systemd-analyze"),
      ["verify", "--man=no", path],
      {
        encoding: "utf8",
      },
    );
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
  });
});
