import { GitLabError } from "./gitlab-error.ts";

/** A project's cleanup policy, as GitLab has it. */
export interface GitLabPolicy {
  enabled: boolean;
  /** Such as `7d`. */
  cadence: string;
  /** Null: the newest are not kept for being new. */
  keepN: number | null;
  /** Such as `90d`; null: age does not matter. */
  olderThan: string | null;
  /** Null or empty: no tag is deleted. */
  nameRegexDelete: string | null;
  nameRegexKeep: string | null;
  /** ISO 8601; null: GitLab does not say. */
  nextRunAt: string | null;
}

/** A project, as far as we need it. */
export interface GitLabProject {
  id: number;
  /** As people write it: capital letters too, which the registry has small. */
  path: string;
  creatorId: number | undefined;
  isArchived: boolean;
  /** Undefined where GitLab does not say: releases before 14. */
  hasRegistry: boolean | undefined;
  policy: GitLabPolicy | undefined;
}

/**
 * @param json - one project of an answer
 * @throws {GitLabError} if it is none
 * @see https://docs.gitlab.com/api/projects/#retrieve-a-project
 */
export function parseProject(json: unknown): GitLabProject {
  const fields = fieldsOf(json);
  const { id, path_with_namespace: path, creator_id: creatorId } = fields;
  if (!isId(id) || typeof path !== "string" || path === "") {
    throw new GitLabError("GitLab's answer has a project without id and path", { isFinal: true });
  }
  return {
    id,
    path,
    creatorId: isId(creatorId) ? creatorId : undefined,
    isArchived: fields["archived"] === true,
    hasRegistry: registryOf(fields),
    policy: parsePolicy(fields["container_expiration_policy"]),
  };
}

function registryOf(fields: Fields): boolean | undefined {
  const level = fields["container_registry_access_level"];
  if (typeof level === "string") return level !== "disabled";
  const isEnabled = fields["container_registry_enabled"];
  return typeof isEnabled === "boolean" ? isEnabled : undefined;
}

/** What GitLab calls `name_regex` its documentation calls `name_regex_delete`. */
function parsePolicy(json: unknown): GitLabPolicy | undefined {
  if (typeof json !== "object" || json === null) return undefined;
  const fields = fieldsOf(json);
  const keepN = fields["keep_n"];
  return {
    enabled: fields["enabled"] === true,
    cadence: textOf(fields["cadence"]) ?? "",
    keepN: typeof keepN === "number" ? keepN : null,
    olderThan: textOf(fields["older_than"]),
    nameRegexDelete: textOf(fields["name_regex_delete"]) ?? textOf(fields["name_regex"]),
    nameRegexKeep: textOf(fields["name_regex_keep"]),
    nextRunAt: textOf(fields["next_run_at"]),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(json: unknown): Fields {
  return typeof json === "object" && json !== null ? { ...json } : {};
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
