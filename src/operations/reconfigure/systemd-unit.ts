import { dirname, resolve } from "node:path";
import type { Settings } from "../../config/settings.ts";
import { unitWord } from "../cron/command-words.ts";

/** Below the root folder. */
export const UNIT_FILE = "/etc/systemd/system/registry-ctl.service";

/** What the unit runs, and as whom. */
export interface ServeUnit {
  settings: Settings;
  /** Absolute paths of node, and of this program's script. */
  program: readonly string[];
  /** Absolute path. */
  config: string;
  /** Numbers or names; root's are left out. */
  user: { uid: number; gid: number } | undefined;
  /** Name of the folder with the state of the store, below `/var/lib/registry-ctl`. */
  stateName: string;
  /** Absolute path of the folder for state, if it is not to be that one. */
  stateDir?: string | undefined;
  /** Files and folders that variables of the service come from. */
  envFrom: readonly string[];
}

/** Rights of root that a server has under its usual user, where it listens below this port. */
const FIRST_FREE_PORT = 1024;
/** Folders that are empty for the service unless it needs something in them. */
const HOMES = ["/home", "/root", "/run/user"];
const TEMPORARY = ["/tmp", "/var/tmp"];

/**
 * A unit for `serve`, which may write to nothing but what it has to. The folders of its state and its control socket are
 * those that the commands look in.
 *
 * @see https://www.freedesktop.org/software/systemd/man/latest/systemd.exec.html
 */
export function systemdUnit(unit: ServeUnit): string {
  const { settings, program, config, user, envFrom, stateName, stateDir } = unit;
  const writable = [...writableFolders(settings), ...(stateDir === undefined ? [] : [stateDir])];
  const used = [...program, config, ...writable];
  const isBelow = (folders: readonly string[]): boolean =>
    used.some((path) => folders.some((folder) => path.startsWith(`${folder}/`)));
  const options = [
    ...envFrom.flatMap((source) => ["--env-from", source]),
    ...(stateDir === undefined ? [] : ["--state-dir", stateDir]),
  ];
  const line = (command: string): string => [...program, command, ...options, config].map(unitWord).join(" ");
  return [
    "# Made by registry-ctl reconfigure --write systemd.",
    "[Unit]",
    "Description=Container registry",
    "Documentation=man:registry-ctl(1) man:registry-ctl-serve(1)",
    "Wants=network-online.target",
    "After=network-online.target",
    ...(writable.length > 0 ? [`RequiresMountsFor=${writable.map(unitWord).join(" ")}`] : []),
    "",
    "[Service]",
    "Type=notify",
    "# A program of systemd's speaks for the server.",
    "NotifyAccess=all",
    "TimeoutStartSec=300",
    ...(user === undefined ? [] : [`User=${user.uid}`, `Group=${user.gid}`]),
    `ExecStart=${line("serve")}`,
    `ExecReload=${line("reload")}`,
    "Restart=on-failure",
    "RestartSec=2",
    "# The first SIGTERM lets requests end, in the process that sees to all others.",
    "KillMode=mixed",
    `TimeoutStopSec=${stopSeconds(settings)}`,
    "LimitNOFILE=65536",
    "",
    "RuntimeDirectory=registry-ctl",
    "RuntimeDirectoryPreserve=yes",
    ...(stateDir === undefined
      ? [`StateDirectory=registry-ctl/${stateName}`, "StateDirectoryMode=0700"]
      : []),
    ...(writable.length > 0 ? [`ReadWritePaths=${writable.map(unitWord).join(" ")}`] : []),
    "ProtectSystem=strict",
    `ProtectHome=${isBelow(HOMES) ? "read-only" : "yes"}`,
    `PrivateTmp=${isBelow(TEMPORARY) ? "no" : "yes"}`,
    "PrivateDevices=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "NoNewPrivileges=yes",
    ...capabilities(unit),
    "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "SystemCallArchitectures=native",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** @returns folders outside of the unit's own ones into which a server writes, each once */
function writableFolders({ storage, http, auth }: Settings): string[] {
  const folders = new Set<string>();
  if (storage.driver === "filesystem") folders.add(resolve(storage.rootDirectory));
  if (http.net === "unix" && http.addr !== "") folders.add(dirname(http.addr));
  if (http.tls?.letsEncrypt) folders.add(http.tls.letsEncrypt.cacheFolder);
  if (auth?.kind === "htpasswd") folders.add(dirname(auth.path));
  return [...folders].filter((path) => path.startsWith("/") && path !== "/");
}

/** Root becomes the owner of the store by itself, which takes these; another user needs one for a port below 1024. */
function capabilities({ settings, user }: ServeUnit): string[] {
  const port = Number(/:(\d+)$/.exec(settings.http.addr)?.[1] ?? FIRST_FREE_PORT);
  if (user === undefined) return [];
  if (settings.http.net === "unix" || port >= FIRST_FREE_PORT) return ["CapabilityBoundingSet="];
  return ["CapabilityBoundingSet=CAP_NET_BIND_SERVICE", "AmbientCapabilities=CAP_NET_BIND_SERVICE"];
}

/** As long as requests may take, and a little more; uploads of large layers take their time. */
function stopSeconds({ http }: Settings): number {
  return http.drainTimeoutMs === 0 ? 600 : Math.ceil(http.drainTimeoutMs / 1000) + 15;
}
