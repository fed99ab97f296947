import { resolve } from "node:path";
import type { LoadedConfig } from "../config/settings.ts";

/** @returns the lines that say which configuration and which store a run works on */
export function describeConfig(config: LoadedConfig & { hints?: readonly string[] }): string[] {
  const { source, settings } = config;
  const from = source.kind === "file" ? resolve(source.path) : "embedded default (no configuration file)";
  return [`config: ${from}`, `store:  ${describeStore(settings.storage)}`, ...(config.hints ?? [])];
}

function describeStore(storage: LoadedConfig["settings"]["storage"]): string {
  return storage.driver === "filesystem"
    ? `filesystem ${resolve(storage.rootDirectory)}`
    : "inmemory (lost when the process ends)";
}
