import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { parseCronSchedule } from "../../../../src/lib/cron-schedule.ts";
import { cronWord, scheduledWords, unitWord } from "../../../../src/operations/cron/command-words.ts";
import { lookAtCron } from "../../../../src/operations/cron/look-at-cron.ts";
import {
  concernsTimer,
  type InstallRequest,
  planInstall,
  planRemove,
} from "../../../../src/operations/cron/plan-cron.ts";
import type { PlannedFile } from "../../../../src/operations/derived/planned-file.ts";
import { describeWithPrograms, programPath } from "../../../support/programs.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const CONFIG = "/etc/distribution/config.yml";

function requestFor(root: string, more: Partial<InstallRequest> = {}): InstallRequest {
  return {
    root,
    schedule: parseCronSchedule("5 4 * * 0"),
    timer: false,
    program: ["/usr/bin/node", "/opt/registry-ctl.js"],
    config: CONFIG,
    deleteUntagged: true,
    options: [],
    ...more,
  };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function carryOut(changes: readonly PlannedFile[]): void {
  for (const { path, after } of changes) {
    if (after === undefined) rmSync(path);
    else write(path, after);
  }
}

describe("planInstall", () => {
  it.each([true, false])(
    "keeps a file of the same name that somebody else has made, timer: %s",
    async (timer) => {
      const root = await temporaryFolder();
      const theirs = join(root, "etc/cron.d/registry-garbage-collect");
      write(theirs, "0 3 * * 0 root registry garbage-collect /etc/other.yml\n");
      const { changes } = planInstall(requestFor(root, { timer }));
      expect(changes.filter(({ keepsBefore }) => keepsBefore).map(({ path }) => path)).toEqual([theirs]);
      carryOut(planInstall(requestFor(root)).changes);
      const again = planInstall(requestFor(root, { schedule: parseCronSchedule("1 1 * * *") })).changes;
      expect(again.map(({ path, keepsBefore }) => [path, keepsBefore])).toEqual([[theirs, false]]);
    },
  );

  it("writes a line with absolute paths, brakes, and nothing for cron to misread", async () => {
    const root = await temporaryFolder();
    const [file, ...rest] = planInstall(requestFor(root)).changes;
    expect(rest).toEqual([]);
    expect(file).toMatchObject({ path: join(root, "etc/cron.d/registry-garbage-collect"), mode: 0o644 });
    const lines = (file?.after ?? "").split("\n");
    expect(lines.slice(1)).toEqual([
      "SHELL=/bin/sh",
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "",
      "5 4 * * 0 root /usr/bin/node /opt/registry-ctl.js cron run -- garbage-collect -m --untagged-for 7d " +
        `--max-delete 30\\% --quiet --skip-if-locked ${CONFIG}`,
      "",
    ]);
  });

  it("spares nothing for a week where only blobs are collected", async () => {
    const { changes } = planInstall(requestFor(await temporaryFolder(), { deleteUntagged: false }));
    expect(changes[0]?.after).not.toMatch(/ -m |--untagged-for/);
    expect(changes[0]?.after).toContain("--max-delete 30");
  });

  it("finds nothing to do the second time", async () => {
    const root = await temporaryFolder();
    carryOut(planInstall(requestFor(root)).changes);
    expect(planInstall(requestFor(root)).changes).toEqual([]);
  });

  it("replaces the file that GitLab's documentation advises, and switches off other crontabs' lines", async () => {
    const root = await temporaryFolder();
    const advised = join(root, "etc/cron.d/registry-garbage-collect");
    const crontab = join(root, "var/spool/cron/crontabs/root");
    write(advised, "SHELL=/bin/sh\n5 4 * * 0 root gitlab-ctl registry-garbage-collect\n");
    write(
      crontab,
      "MAILTO=ops\n# gitlab-ctl registry-garbage-collect by hand\n0 3 * * 6 gitlab-ctl registry-garbage-collect -m\n0 1 * * * backup\n",
    );
    const { changes, others } = planInstall(requestFor(root));
    expect(others).toEqual([
      { file: crontab, line: 3, text: "0 3 * * 6 gitlab-ctl registry-garbage-collect -m", isCrontab: true },
    ]);
    carryOut(changes);
    expect(readFileSync(advised, "utf8")).not.toContain("gitlab-ctl");
    expect(readFileSync(crontab, "utf8")).toBe(
      "MAILTO=ops\n# gitlab-ctl registry-garbage-collect by hand\n# replaced by registry-ctl cron install: 0 3 * * 6 gitlab-ctl registry-garbage-collect -m\n0 1 * * * backup\n",
    );
    expect(lookAtCron(root).others).toEqual([]);
  });

  it("leaves lines about other registries alone, and switches off those about this one", async () => {
    const root = await temporaryFolder();
    write(
      join(root, "etc/crontab"),
      [
        "1 1 * * * root registry garbage-collect /etc/other/config.yml",
        `2 2 * * * root registry garbage-collect ${CONFIG}`,
        "3 3 * * * root /usr/bin/docker-registry garbage-collect -m",
        `4 4 * * * root node /x/registry-ctl.js garbage-collect -m ${CONFIG}`,
        "5 5 * * * root registry-ctl uploads purge",
        "",
      ].join("\n"),
    );
    expect(planInstall(requestFor(root)).others.map(({ line }) => line)).toEqual([2, 3, 4]);
  });

  it("refuses beside a script or a unit, which no # switches off", async () => {
    const root = await temporaryFolder();
    const script = join(root, "etc/cron.weekly/gitlab");
    write(script, "#!/bin/sh\ngitlab-ctl registry-garbage-collect\n");
    expect(() => planInstall(requestFor(root))).toThrow(RegistryStateError);
    rmSync(script);
    write(
      join(root, "etc/systemd/system/gc.service"),
      "[Service]\nExecStart=/bin/gitlab-ctl registry-garbage-collect\n",
    );
    expect(() => planInstall(requestFor(root))).toThrow("gc.service:2");
  });

  it("passes over what package managers have left", async () => {
    const root = await temporaryFolder();
    write(join(root, "etc/cron.d/gitlab.dpkg-old"), "5 4 * * 0 root gitlab-ctl registry-garbage-collect\n");
    expect(planInstall(requestFor(root)).others).toEqual([]);
  });

  it("goes from a cron file to a timer and back, and never leaves both", async () => {
    const root = await temporaryFolder();
    carryOut(planInstall(requestFor(root)).changes);
    const toTimer = planInstall(requestFor(root, { timer: true })).changes;
    expect(concernsTimer(toTimer)).toBe("installed");
    carryOut(toTimer);
    expect(lookAtCron(root).installed.map(({ kind, schedule }) => [kind, schedule])).toEqual([
      ["systemd-timer", "Sun *-*-* 04:05:00"],
    ]);
    const back = planInstall(requestFor(root)).changes;
    expect(concernsTimer(back)).toBe("removed");
    carryOut(back);
    expect(lookAtCron(root).installed.map(({ kind }) => kind)).toEqual(["cron"]);
  });
});

describe("planRemove", () => {
  it("takes away what was installed", async () => {
    const root = await temporaryFolder();
    for (const timer of [false, true]) {
      carryOut(planInstall(requestFor(root, { timer })).changes);
      carryOut(planRemove(root));
      expect(lookAtCron(root)).toMatchObject({ installed: [], others: [] });
    }
    expect(existsSync(join(root, "etc/cron.d/registry-garbage-collect"))).toBe(false);
  });

  it("leaves a file of the same name that somebody else has made", async () => {
    const root = await temporaryFolder();
    write(
      join(root, "etc/cron.d/registry-garbage-collect"),
      "5 4 * * 0 root gitlab-ctl registry-garbage-collect\n",
    );
    expect(planRemove(root)).toEqual([]);
    expect(lookAtCron(root).others).toMatchObject([{ line: 1 }]);
  });
});

describe("scheduledWords", () => {
  it("lets what was asked for go above what would be said anyway", () => {
    const words = scheduledWords({
      ...requestFor("/"),
      options: ["--max-delete", "5%", "--until", "06:00"],
    });
    expect(words.join(" ")).toBe(
      "/usr/bin/node /opt/registry-ctl.js cron run -- garbage-collect -m --untagged-for 7d --quiet --skip-if-locked " +
        `--max-delete 5% --until 06:00 ${CONFIG}`,
    );
  });
});

describe("words", () => {
  it.each(["plain", "two words", "it's", "100%", "$HOME", "a\\b", '"'])(
    "come back from a shell (%j)",
    (word) => {
      // What cron makes of it before the shell sees it.
      const line = cronWord(word).replaceAll("\\%", "%");
      const { stdout } = spawnSync("/bin/sh", ["-c", `printf %s ${line}`], { encoding: "utf8" });
      expect(stdout).toBe(word);
    },
  );

  it("are escaped for systemd", () => {
    expect(unitWord("/opt/x")).toBe("/opt/x");
    expect(unitWord("30%")).toBe("30%%");
    expect(unitWord('a "b" $c')).toBe('"a \\"b\\" $$c"');
  });
});

describeWithPrograms(["systemd-analyze"], "the units of a timer", () => {
  it.each(["5 4 * * 0", "*/7 1-5 1,15 * mon-fri", "0 0 29 2 *"])(
    "are ones that systemd takes (%s)",
    async (text) => {
      const root = await temporaryFolder();
      const program = [process.execPath, join(import.meta.dirname, "../../../../bin/registry-ctl.js")];
      const request = requestFor(root, { timer: true, program, schedule: parseCronSchedule(text) });
      carryOut(planInstall(request).changes);
      const units = ["timer", "service"].map((end) =>
        join(root, `etc/systemd/system/registry-garbage-collect.${end}`),
      );
      const { status, stdout, stderr } = spawnSync(
        programPath("systemd-analyze"),
        ["verify", "--man=no", ...units],
        {
          encoding: "utf8",
        },
      );
      expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "", stderr: "" });
    },
  );
});
