import { oneLine } from "../cron/command-words.ts";

/** Below the root folder. */
export const LOGROTATE_FILE = "/etc/logrotate.d/registry-ctl";

/** The log of a server that `start` has put into the background. */
export interface RotatedLog {
  /** Absolute path of the folder with the state of the store. */
  stateFolder: string;
  /** Name of the log in it. */
  name: string;
  /** Whose the folder is; undefined: root's. */
  owner: { uid: number; gid: number } | undefined;
}

/**
 * Rotates the log of a server in the background, which never opens it again: it is copied and cut to nothing. Under systemd and
 * runit there is no such log.
 *
 * @param names - of users and groups by their numbers: logrotate takes names only
 * @see https://github.com/logrotate/logrotate/blob/main/logrotate.8.in
 */
export function logrotateFile(
  { stateFolder, name, owner }: RotatedLog,
  names: { user: string | undefined; group: string | undefined },
): string {
  const { user, group } = names;
  const su =
    owner !== undefined && user !== undefined && group !== undefined ? [`  su ${user} ${group}`] : [];
  return [
    "# Made by registry-ctl reconfigure --write logrotate.",
    `"${oneLine(stateFolder)}/${name}" {`,
    "  weekly",
    "  rotate 8",
    "  maxsize 100M",
    "  compress",
    "  delaycompress",
    "  missingok",
    "  notifempty",
    "  copytruncate",
    ...su,
    "}",
    "",
  ].join("\n");
}
