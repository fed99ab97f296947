import { dirname, resolve } from "node:path";
import { nodeAt } from "../../config/config-tree.ts";
import { parseYaml } from "../../config/parse-yaml.ts";
import { RegistryCtlError } from "../../errors.ts";
import { readKeyFile } from "./read-key-file.ts";

/** What GitLab's own configuration says of its registry. */
export interface GitlabRegistrySettings {
  enabled: boolean;
  /** The file with the private key, absolute. */
  keyFile: string | undefined;
  issuer: string | undefined;
}

/**
 * Reads `production.registry` of a gitlab.yml, which GitLab's packages render from gitlab.rb.
 *
 * @param path - absolute
 * @throws {UnreadableKeyFileError} if it cannot be read
 * @throws {RegistryCtlError} `ERR_GITLAB_YML` if it is no gitlab.yml
 */
export function readGitlabYml(path: string): GitlabRegistrySettings {
  const { root } = parseYaml(readKeyFile(path).content.toString(), { kind: "file", file: path });
  const registry = root && nodeAt(root, ["production", "registry"]);
  if (registry?.kind !== "map") {
    throw new RegistryCtlError("ERR_GITLAB_YML", `${path} has no section production.registry`, {
      hint: "name the rendered file: /var/opt/gitlab/gitlab-rails/etc/gitlab.yml, or config/gitlab.yml",
    });
  }
  const text = (name: string): string | undefined => {
    const node = nodeAt(registry, [name]);
    return node?.kind === "scalar" && node.text ? node.text : undefined;
  };
  const key = text("key");
  return {
    enabled: text("enabled") === "true",
    // GitLab runs in the folder above that of its configuration.
    keyFile: key === undefined ? undefined : resolve(dirname(dirname(path)), key),
    issuer: text("issuer"),
  };
}
