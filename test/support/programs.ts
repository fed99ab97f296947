import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, it } from "vitest";

/** The real programs that tests run; where each comes from is in `install-programs.sh`. */
export const PROGRAM_NAMES = [
  "skopeo",
  "podman",
  "buildah",
  "umoci",
  "docker-registry",
  "crane",
  "oras",
  "curl",
  "script",
  "setpriv",
  "strace",
  "openssl",
  "nginx",
  "htpasswd",
  "pebble",
  "pebble-challtestsrv",
  "aws",
  "runsv",
  "sv",
  "svlogd",
  "systemd-analyze",
  "setfacl",
  "getfacl",
  "wrk",
  "logrotate",
  "rclone",
] as const;

/** A real program that tests run. */
export type ProgramName = (typeof PROGRAM_NAMES)[number];

/** Set to `1` by CI: a program that is missing fails the tests that need it, instead of skipping them. */
const REQUIRED = process.env["REGISTRY_CTL_REQUIRE_PROGRAMS"] === "1";

const SEARCH_PATH = [
  join(
    process.env["REGISTRY_CTL_TEST_PROGRAMS"] ??
      join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "registry-ctl-tests"),
    "bin",
  ),
  ...(process.env["PATH"] ?? "").split(delimiter),
  // Where servers are, for users whose PATH does not say so.
  "/usr/sbin",
];

/** Where the program is, or undefined if it is not on this machine. */
export function findProgram(name: ProgramName): string | undefined {
  return SEARCH_PATH.map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * Where the program is.
 *
 * @throws {Error} if it is not on this machine
 */
export function programPath(name: ProgramName): string {
  const path = findProgram(name);
  if (path === undefined) throw new Error(missingMessage([name]));
  return path;
}

/** Those of `names` that are not on this machine. */
export function missingPrograms(names: readonly ProgramName[]): ProgramName[] {
  return names.filter((name) => findProgram(name) === undefined);
}

/**
 * Declares tests that need real programs. Where one is missing they are skipped, with the reason in their title (the
 * end of the run lists them); in CI they fail instead.
 */
export function describeWithPrograms(names: readonly ProgramName[], title: string, body: () => void): void {
  const missing = missingPrograms(names);
  describeUnlessMissing(missing.length === 0 ? undefined : missingMessage(missing), title, body);
}

/**
 * Declares tests that need something that CI has.
 *
 * @param reason - what is missing on this machine and how to get it, in a few words; undefined if nothing is. The tests
 *   are skipped with it in their title; in CI they fail with it
 */
export function describeUnlessMissing(reason: string | undefined, title: string, body: () => void): void {
  if (reason === undefined) describe(title, body);
  else if (REQUIRED)
    describe(title, () => {
      it("finds the real programs that it needs", () => {
        throw new Error(reason);
      });
    });
  else describe.skip(`${title} [${reason}]`, body);
}

/**
 * Declares tests that need to be root (tmpfs mounts, chroot builds); elsewhere they are skipped with the reason in
 * their title.
 */
export function describeAsRoot(title: string, body: () => void): void {
  if (process.getuid?.() === 0) describe(title, body);
  else describe.skip(`${title} [needs root]`, body);
}

function missingMessage(names: readonly ProgramName[]): string {
  return `needs ${names.join(", ")}: run test/support/install-programs.sh as root`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
