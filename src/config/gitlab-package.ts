import { existsSync, realpathSync } from "node:fs";
import { join, resolve } from "node:path";

/** Where GitLab's Linux package writes the registry's configuration, at each `gitlab-ctl reconfigure`. */
const RENDERED = "/var/opt/gitlab/registry/config.yml";

/** A host whose registry is configured by GitLab's Linux package. */
export interface GitlabPackage {
  /** The file that administrators edit. */
  gitlabRb: string;
}

/**
 * Recognises by its place a configuration that GitLab's Linux package renders: the file itself has no mark, and what is
 * changed in it is gone at the next `gitlab-ctl reconfigure`.
 *
 * @returns undefined if nobody renders the file
 */
export function gitlabPackageOf(configFile: string): GitlabPackage | undefined {
  const path = realPathOf(configFile);
  if (!path.endsWith(RENDERED)) return undefined;
  const root = path.slice(0, -RENDERED.length) || "/";
  const gitlabRb = join(root, "etc/gitlab/gitlab.rb");
  return existsSync(join(root, "opt/gitlab")) || existsSync(gitlabRb) ? { gitlabRb } : undefined;
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return resolve(path);
  }
}
