import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import { storeName } from "../../config/store-name.ts";
import type { SwitchReport } from "../../operations/migrate/migration-report.ts";
import type { MigrationSession } from "./session.ts";

/** So long the old store should stay: long enough for what is used once a week. */
const KEEP_DAYS = 14;

/** @returns what to do when the registry uses the new store, for people */
export function nextAfterSwitch(
  { from, to }: MigrationSession,
  { config }: SwitchReport,
  how: string,
): string[] {
  const old = storeName(from.settings);
  const steps = [
    `${old} is not used any more. Wipe it when pulls and pushes have gone well for some ${KEEP_DAYS} days and there is a backup of the new store; until then the way back is: registry-ctl migrate rollback ${config}`,
    "what is pushed from now on is in the new store only; rollback takes it along",
    `the keys of both stores stay in the state folder, for its owner alone, so that rollback can be; when the old store is wiped: registry-ctl migrate forget ${config}`,
  ];
  if ("bucket" in to.settings && to.settings.credentials === undefined) {
    steps.push(
      "the configuration has no keys for the bucket: the registry finds its own in its environment, profile or role",
    );
  }
  if (gitlabPackageOf(config) !== undefined || from.settings.driver === "filesystem") {
    steps.push(
      "a backup of the disk does not cover the images any more, and gitlab-backup neither: back up the bucket by itself (registry-ctl backup)",
    );
  }
  if (how.includes("other servers")) {
    steps.push("other servers on the old store stay read-only: start them with the new configuration");
  }
  return steps;
}
