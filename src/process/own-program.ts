import { isAbsolute, resolve } from "node:path";
import { RegistryCtlError } from "../errors.ts";

/**
 * @returns the absolute paths of node and of this program's script, for a unit or a crontab
 * @throws {RegistryCtlError} `ERR_PROGRAM` if it was not started as a script
 */
export function ownProgram(): [node: string, script: string] {
  const [, script] = process.argv;
  if (script !== undefined && script !== "") {
    return [process.execPath, isAbsolute(script) ? script : resolve(script)];
  }
  throw new RegistryCtlError("ERR_PROGRAM", "it cannot be told where this program is", {
    hint: "start it as registry-ctl or as node /path/to/bin/registry-ctl.js",
  });
}
