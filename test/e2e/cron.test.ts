import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Where those who install the line keep their state: the line says so too. */
const STATE_DIR = cleanEnvironment()["REGISTRY_CTL_STATE_DIR"] ?? "";
const CRON_FILE = "etc/cron.d/registry-garbage-collect";

async function host() {
  const root = await temporaryFolder();
  const store = join(await temporaryFolder(), "store");
  mkdirSync(join(store, "docker/registry/v2/repositories"), { recursive: true });
  mkdirSync(join(store, "docker/registry/v2/blobs"), { recursive: true });
  const config = await writeServeConfig({ rootDirectory: store, port: 1 });
  const cron = (...args: string[]) => runRegistryCtl(["cron", ...args, "--prefix-dir", root]);
  return { root, store, config, file: join(root, CRON_FILE), cron };
}

/** Runs the line of a cron file as cron does: with its SHELL and PATH only, and what it would mail. */
function runAsCron(file: string): { mail: string; exitCode: number | null } {
  const lines = readFileSync(file, "utf8").split("\n");
  const variable = (name: string): string =>
    lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const command = lines.find((line) => /^\d/.test(line))?.replace(/^(?:\S+ ){5}root /, "") ?? "";
  const { stdout, stderr, status } = spawnSync(variable("SHELL"), ["-c", command.replaceAll("\\%", "%")], {
    cwd: "/",
    env: { PATH: variable("PATH"), HOME: "/nonexistent" },
    encoding: "utf8",
  });
  return { mail: stdout + stderr, exitCode: status };
}

describe("cron install", () => {
  it("shows what it would write and changes nothing in a dry run", async () => {
    const { config, file, cron } = await host();
    const { stdout, stderr, exitCode } = await cron("install", "-m", "--dry-run", config);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`+++ ${file}`);
    expect(stdout).toMatch(/^\+5 4 \* \* 0 root \//m);
    expect(stdout).toMatch(/nothing was changed \(dry run\)$/);
    expect(existsSync(file)).toBe(false);
  });

  it("writes nothing without a terminal and without --yes", async () => {
    const { config, file, cron } = await host();
    const { stdout, stderr, exitCode } = await cron("install", config);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain("hint: pass --yes");
    expect(existsSync(file)).toBe(false);
  });

  it("writes a file that cron takes, once", async () => {
    const { config, file, cron } = await host();
    const first = await cron("install", "-m", "--schedule", "30 2 * * sat", "--yes", config);
    expect({ stdout: first.stdout, exitCode: first.exitCode }).toEqual({
      stdout: `written: ${file}`,
      exitCode: 0,
    });
    expect(statSync(file).mode & 0o777).toBe(0o644);
    const text = readFileSync(file, "utf8");
    expect(text.endsWith("\n")).toBe(true);
    expect(text).toContain(
      `30 2 * * sat root ${process.execPath} ${REGISTRY_CTL_PATH} cron run -- garbage-collect -m --untagged-for 7d ` +
        `--max-delete 30\\% --quiet --skip-if-locked --state-dir ${STATE_DIR} ${config}\n`,
    );
    const again = await cron("install", "-m", "--schedule", "30 2 * * sat", config);
    expect({ stdout: again.stdout, exitCode: again.exitCode }).toEqual({
      stdout: "nothing to change: it is installed",
      exitCode: 0,
    });
  });

  it.each([
    [["--schedule", "5 4 * *"], 'a schedule has five fields, such as "5 4 * * 0", not "5 4 * *"'],
    [["--schedule", "61 4 * * 0"], '"61" is no minute, which is from 0 to 59'],
    [["--mode", "fast"], "--mode is fast, not one of offline, read-only, online"],
    [["--until", "25:00"], "--until is 25:00, which is no time of the day"],
    [["--untagged-for", "7d"], "--untagged-for means nothing without -m"],
    [["--prefix-dir", ""], "--prefix-dir is empty"],
    [["--env-from", "pid:1"], "--env-from pid:1 cannot be written down"],
  ])("refuses %j", async (args, message) => {
    const { config } = await host();
    const { stdout, stderr, exitCode } = await runRegistryCtl(["cron", "install", "--yes", ...args, config]);
    expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain(message);
  });

  it("shows nothing of the secrets in a crontab that it changes, nor what commands a terminal", async () => {
    const { root, config, cron } = await host();
    const crontab = join(root, "etc/crontab");
    mkdirSync(join(root, "etc"), { recursive: true });
    writeFileSync(
      crontab,
      "AWS_SECRET_ACCESS_KEY=hunter2\n" +
        "5 4 * * 0 root API_TOKEN=hunter2 gitlab-ctl registry-garbage-collect \u001b]0;x\u0007\n" +
        "1 1 * * * root curl -u admin:hunter2 https://u:hunter2@example.com/\n",
    );
    const runs = [
      await cron("show"),
      await cron("show", "--json"),
      await cron("install", "--dry-run", config),
      await cron("install", "--yes", "--json", config),
      await cron("install", "--yes", config),
    ];
    const said = runs.map(({ stdout, stderr }) => stdout + stderr).join("\n");
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0]);
    expect(said).toContain("API_TOKEN=*** gitlab-ctl registry-garbage-collect");
    expect(said).not.toContain("hunter2");
    expect(said).not.toContain("\u001b");
    expect(readFileSync(crontab, "utf8")).toContain("AWS_SECRET_ACCESS_KEY=hunter2\n");
  });

  it("passes over what cron does not run, and waits for no pipe", async () => {
    const { root, cron } = await host();
    const folder = join(root, "etc/cron.d");
    mkdirSync(folder, { recursive: true });
    spawnSync("mkfifo", [join(folder, "pipe")]);
    symlinkSync(root, join(folder, "folder"));
    symlinkSync("loop", join(folder, "loop"));
    writeFileSync(join(folder, "gitlab"), "5 4 * * 0 root gitlab-ctl registry-garbage-collect\n");
    const { stdout, stderr, exitCode } = await cron("show");
    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toContain(`${folder}/gitlab:1: `);
  });

  it("changes nothing outside of the folder that stands for /", async () => {
    const { root, config, cron } = await host();
    const outside = await temporaryFolder();
    mkdirSync(join(root, "etc"));
    symlinkSync(outside, join(root, "etc/cron.d"));
    for (const args of [
      ["install", "--yes", config],
      ["install", "--dry-run", config],
    ]) {
      const { stdout, stderr, exitCode } = await cron(...args);
      expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 12 });
      expect(stderr).toContain(
        `${root}/${CRON_FILE} leads to ${outside}/registry-garbage-collect, which is outside of`,
      );
    }
    expect(readdirSync(outside)).toEqual([]);
  });

  it("writes no second line for a configuration with a line end in its name", async () => {
    const { root, config, cron } = await host();
    const odd = `${config}\n* * * * * root touch x\n`;
    copyFileSync(config, odd);
    for (const kind of [[], ["--systemd-timer"]]) {
      const { stdout, stderr, exitCode } = await cron("install", "--yes", ...kind, odd);
      expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 2 });
      expect(stderr).toContain("has a control character, and cannot be written into a line");
    }
    expect(existsSync(join(root, "etc"))).toBe(false);
  });

  it("wants a configuration that is named", async () => {
    const { cron } = await host();
    const { exitCode, stderr } = await cron("install", "--yes");
    expect(exitCode).toBe(10);
    expect(stderr).toContain("no config is named");
  });

  it("tells what systemd has to be told of a timer for another root", async () => {
    const { root, config, cron } = await host();
    const { stdout, exitCode } = await cron("install", "-m", "--systemd-timer", "--yes", config);
    expect(exitCode).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `written: ${root}/etc/systemd/system/registry-garbage-collect.timer`,
      `written: ${root}/etc/systemd/system/registry-garbage-collect.service`,
      "now run:",
      "  systemctl daemon-reload",
      "  systemctl enable --now registry-garbage-collect.timer",
    ]);
  });

  it("puts GitLab's line out of use on a host with its package", async () => {
    const gitlab = makeOmnibusHost({ withoutAuth: true });
    onTestFinished(() => gitlab.remove());
    const file = join(gitlab.root, "etc/cron.d/gitlab-registry");
    mkdirSync(join(gitlab.root, "etc/cron.d"), { recursive: true });
    writeFileSync(file, "5 4 * * 0 root gitlab-ctl registry-garbage-collect -m\n");
    const args = ["cron", "install", "-m", "--yes", "--prefix-dir", gitlab.root, gitlab.configFile];
    const { stdout, stderr, exitCode } = await runRegistryCtl(args);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain("-5 4 * * 0 root gitlab-ctl registry-garbage-collect -m");
    expect(stdout).toContain(
      `switched off: ${file}:1: 5 4 * * 0 root gitlab-ctl registry-garbage-collect -m`,
    );
    expect(readFileSync(file, "utf8")).toMatch(/^# replaced by registry-ctl cron install: 5 4 /);
    // As the path is called on that host.
    expect(readFileSync(join(gitlab.root, CRON_FILE), "utf8")).toMatch(
      / \/var\/opt\/gitlab\/registry\/config\.yml\n$/,
    );
  });
});

describe("the installed line", () => {
  it("prints nothing when it has collected, and its result is in the status", async () => {
    const { config, file, cron } = await host();
    await cron("install", "--yes", config);
    expect(runAsCron(file)).toEqual({ mail: "", exitCode: 0 });
    const { stdout } = await runRegistryCtl(["garbage-collect", "status", "--json", config]);
    expect(JSON.parse(stdout)).toMatchObject({ last: { outcome: "done" } });
  });

  it("prints nothing beside warnings about the configuration either", async () => {
    const { config, file, cron } = await host();
    writeFileSync(config, `${readFileSync(config, "utf8")}reporting:\n  sentry:\n    enabled: true\n`);
    const { stderr } = await runRegistryCtl(["garbage-collect", "--dry-run", "--quiet", config]);
    expect(stderr).toContain("warning:");
    await cron("install", "--yes", config);
    expect(runAsCron(file)).toEqual({ mail: "", exitCode: 0 });
  });

  it("says in one paragraph what failed, with the exit code of the collection", async () => {
    const { config, file, cron } = await host();
    await cron("install", "--yes", config);
    writeFileSync(config, "version: 0.1\nstorage: [\n");
    const { mail, exitCode } = runAsCron(file);
    expect(exitCode).toBe(10);
    expect(mail).toMatch(
      /^registry-ctl garbage-collect on \S+ ended with exit code 10 after \d+ s\.\nerror: /,
    );
    expect(mail).toContain(`${config}:3:1: the YAML is broken`);
    expect(mail).toMatch(
      /It was run as: registry-ctl garbage-collect --max-delete 30% --quiet --skip-if-locked --state-dir \S+ \S+\n$/,
    );
  });
});

describe("cron run", () => {
  it("runs no option and no cron", async () => {
    for (const words of [["--version"], ["cron", "show"]]) {
      const { stdout, stderr, exitCode } = await runRegistryCtl(["cron", "run", "--", ...words]);
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
      expect(stderr).toContain("cron run runs no");
    }
  });

  it("is not among the commands of the help", async () => {
    const { stdout } = await runRegistryCtl(["cron", "--help"]);
    expect(stdout).not.toMatch(/^ {2}run /m);
  });
});

describe("cron show and remove", () => {
  it("show what is installed, what others have, and remove the first only", async () => {
    const { root, config, file, cron } = await host();
    expect((await cron("show")).stdout).toContain("nothing is installed");
    expect((await cron("remove", "--yes")).stdout).toBe("nothing is installed");
    await cron("install", "--until", "06:00", "--yes", config);
    writeFileSync(join(root, "etc/crontab"), "1 1 * * * root registry garbage-collect /etc/other.yml\n");
    const { stdout } = await cron("show", "--json");
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "cron show",
      installed: [
        {
          kind: "cron",
          file,
          schedule: "5 4 * * 0",
          line: expect.stringMatching(
            / --max-delete 30% --quiet --skip-if-locked --until 06:00 --state-dir \//,
          ),
        },
      ],
      others: [
        {
          file: join(root, "etc/crontab"),
          line: 1,
          text: "1 1 * * * root registry garbage-collect /etc/other.yml",
        },
      ],
    });
    const dry = await cron("remove", "--dry-run");
    expect({ stdout: dry.stdout, exitCode: dry.exitCode }).toEqual({
      stdout: `would remove: ${file}`,
      exitCode: 0,
    });
    const refused = await cron("remove");
    expect({ stdout: refused.stdout, exitCode: refused.exitCode }).toEqual({ stdout: "", exitCode: 2 });
    const removed = await cron("remove", "--yes");
    expect({ stdout: removed.stdout, exitCode: removed.exitCode }).toEqual({
      stdout: `removed: ${file}`,
      exitCode: 0,
    });
    expect(existsSync(file)).toBe(false);
    expect(readFileSync(join(root, "etc/crontab"), "utf8")).toMatch(/^1 1 /);
  });
});

describeWithPrograms(["script"], "cron on a terminal", () => {
  it("asks before it writes, and does as it is told", async () => {
    const { root, config, file } = await host();
    const args = ["cron", "install", "--prefix-dir", root, config];
    const no = await runOnTerminal(args, { answer: "n" });
    expect(no.shown).toContain("Write this file?");
    expect(no.shown).toContain("answered no; nothing was changed");
    expect(no.exitCode).toBe(130);
    expect(existsSync(file)).toBe(false);
    const yes = await runOnTerminal(args, { answer: "y" });
    expect(yes.shown).toContain(`written: ${file}`);
    expect(yes.exitCode).toBe(0);
    expect(existsSync(file)).toBe(true);
  });
});
