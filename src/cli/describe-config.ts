import { resolve } from "node:path";
import type { LoadedConfig } from "../config/settings.ts";
import { storeName } from "../config/store-name.ts";

/** @returns the lines that say which configuration and which store a run works on */
export function describeConfig(config: LoadedConfig & { hints?: readonly string[] }): string[] {
  const { source, settings } = config;
  const from = source.kind === "file" ? resolve(source.path) : "embedded default (no configuration file)";
  return [`config: ${from}`, `store:  ${describeStore(settings.storage)}`, ...(config.hints ?? [])];
}

function describeStore(storage: LoadedConfig["settings"]["storage"]): string {
  const name = storeName(storage);
  switch (storage.driver) {
    case "filesystem":
      return `filesystem ${name}`;
    case "inmemory":
      return `${name} (lost when the process ends)`;
    case "s3":
    case "s3_v2":
      return storage.endpoint === ""
        ? `${storage.driver} ${name} (AWS, ${storage.region})`
        : `${storage.driver} ${name} (at ${storage.endpoint}, bucket in the ${storage.pathStyle ? "path" : "host name"})`;
  }
}
