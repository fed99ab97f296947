import { join } from "node:path";
import { unitWord } from "../cron/command-words.ts";
import type { PlannedFile } from "../derived/planned-file.ts";
import { readIfAny } from "../derived/read-if-any.ts";

/** Name of the unit that recovers at every boot. */
export const RECOVER_UNIT = "registry-ctl-recover.service";
const UNIT_FOLDER = "/etc/systemd/system";

/** What the unit runs. */
export interface RecoverUnitOptions {
  /** Absolute paths of node, and of this program's script. */
  program: readonly string[];
  /** `--state-dir`, absolute. */
  stateDir?: string | undefined;
}

/**
 * The unit comes last: a registry that is a service has been started by then, and what it is reached through is
 * there. It runs once at a boot.
 *
 * @returns the text of the unit
 */
export function recoverUnit({ program, stateDir }: RecoverUnitOptions): string {
  const words = [...program, "recover", ...(stateDir === undefined ? [] : ["--state-dir", stateDir])];
  return [
    "# Made by registry-ctl recover --install.",
    "[Unit]",
    "Description=End what a reboot has left half done on the container registry",
    "Documentation=man:registry-ctl-recover(1)",
    "Wants=network-online.target",
    "After=network-online.target remote-fs.target local-fs.target docker-registry.service registry-ctl.service",
    "After=gitlab-runsvdir.service runit.service",
    "",
    "[Service]",
    "Type=oneshot",
    `ExecStart=${words.map(unitWord).join(" ")}`,
    "TimeoutStartSec=15min",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
}

/** @returns the unit's file below the folder that stands for `/`, as it is and as it should be */
export function planRecoverUnit(root: string, options: RecoverUnitOptions): PlannedFile {
  const path = join(root, UNIT_FOLDER, RECOVER_UNIT);
  return { path, before: readIfAny(path), after: recoverUnit(options), mode: 0o644 };
}
