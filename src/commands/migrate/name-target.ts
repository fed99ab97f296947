import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ReadTarget, TargetDriver, TargetRequest } from "../../config/load-target.ts";
import { readTarget } from "../../config/load-target.ts";
import { UsageError } from "../../errors.ts";
import { namesSecret } from "../../lib/mask-secrets.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import type { CommandContext } from "../context.ts";
import type { TargetFlags } from "./migrate-flags.ts";

/** Options that are keys of the driver's section under other names. */
const KEY_OPTIONS = {
  bucket: "bucket",
  region: "region",
  endpoint: "regionendpoint",
  rootdirectory: "rootdirectory",
} as const;

/** What a person is asked for, by the keys of S3. */
const S3_QUESTIONS = [
  ["bucket", "Bucket:"],
  ["regionendpoint", "Address of the S3 server (empty for AWS):"],
  ["region", "Region:"],
  ["rootdirectory", "Folder in the bucket (empty for none):"],
] as const;

const S3_SECRETS = [
  ["accesskey", "Access key (empty: environment, profile or the host's role):"],
  ["secretkey", "Secret key:"],
] as const;

/**
 * Reads where a registry is to be moved to: from a file, options and, where something is missing and there is a terminal, answers.
 *
 * @param asks - false: what is missing is only told
 * @throws {UsageError} if an option is of no use, {ConfigError} if what is said is wrong
 */
export async function nameTarget(
  context: CommandContext,
  flags: TargetFlags,
  asks: boolean,
): Promise<ReadTarget> {
  const { cwd, env } = context;
  const values = valuesOf(flags, cwd);
  const driver = driverOf(flags);
  const file = flags.targetConfig;
  const request = { file, driver, values, env, cwd };
  const found = await readTarget(request);
  if (!asks || !context.interactive || !(found.missing.length > 0 || lacksKeys(found, request))) return found;
  const chosen = driver ?? (found.driver === undefined ? await askDriver(context) : undefined);
  const answers = await askKeys(context, chosen ?? found.driver ?? "s3", { ...values }, found);
  return readTarget({ ...request, ...(chosen === undefined ? {} : { driver: chosen }), values: answers });
}

/** A server other than AWS knows no role of this host, and options cannot name keys. */
function lacksKeys({ storage }: ReadTarget, { file, env }: TargetRequest): boolean {
  if (storage === undefined || !("bucket" in storage) || storage.endpoint === "") return false;
  return storage.credentials === undefined && file === undefined && !env["AWS_PROFILE"];
}

/** @throws {UsageError} for what is no store that a registry can be moved to */
function driverOf({ to }: TargetFlags): TargetDriver | undefined {
  if (to === undefined || to === "s3" || to === "filesystem") return to;
  const known = ["azure", "azure_v2", "gcs", "inmemory", "s3_v2"].includes(to);
  throw new UsageError(
    known ? `--to ${to}: this release does not write to ${to}` : `--to ${to}: there is no such store`,
    { hint: "use s3 or filesystem; a section s3_v2 is taken from --target-config" },
  );
}

function valuesOf(flags: TargetFlags, cwd: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const text of flags.set ?? []) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals);
    if (equals < 1) throw new UsageError(`--set ${text}: it is KEY=VALUE`);
    if (namesSecret(name)) {
      throw new UsageError(`--set ${name}: a command line is seen by everybody on this host`, {
        hint: "name a file (--access-key-file, --secret-key-file, --target-config), or set REGISTRY_CTL_TARGET_ACCESSKEY and REGISTRY_CTL_TARGET_SECRETKEY",
      });
    }
    values[name] = text.slice(equals + 1);
  }
  for (const option of ["bucket", "region", "endpoint", "rootdirectory"] as const) {
    const value = flags[option];
    if (value !== undefined) values[KEY_OPTIONS[option]] = value;
  }
  if (flags.accessKeyFile !== undefined) values["accesskey"] = secretIn(flags.accessKeyFile, cwd);
  if (flags.secretKeyFile !== undefined) values["secretkey"] = secretIn(flags.secretKeyFile, cwd);
  return values;
}

function secretIn(file: string, cwd: string): string {
  try {
    const text = readFileSync(resolve(cwd, file), "utf8").trim();
    if (text !== "" && !text.includes("\n")) return text;
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${fileProblemOf(cause)}`, { cause });
  }
  throw new UsageError(`${file} must hold one line`);
}

async function askDriver(context: CommandContext): Promise<TargetDriver> {
  const answer = await context.askText("Kind of the new store (s3 or filesystem):", "s3");
  if (answer === "s3" || answer === "filesystem") return answer;
  throw new UsageError(`${answer} is no store that a registry can be moved to`, {
    hint: "use s3 or filesystem",
  });
}

async function askKeys(
  context: CommandContext,
  driver: string,
  values: Record<string, string>,
  { section, missing }: ReadTarget,
): Promise<Record<string, string>> {
  const isKnown = (name: string): boolean =>
    values[name] !== undefined || section.includes(`\n    ${name}: `);
  const ask = async (name: string, question: string, hides = false): Promise<void> => {
    if (isKnown(name)) return;
    const answer = hides ? await context.askSecret(question) : await context.askText(question);
    if (answer !== "") values[name] = answer;
  };
  if (driver === "filesystem") {
    await ask("rootdirectory", "Folder of the new store:");
    return values;
  }
  if (missing.length > 0) for (const [name, question] of S3_QUESTIONS) await ask(name, question);
  const { env } = context;
  if (env["REGISTRY_CTL_TARGET_ACCESSKEY"] || env["AWS_ACCESS_KEY_ID"]) return values;
  for (const [name, question] of S3_SECRETS) {
    await ask(name, question, true);
    if (values["accesskey"] === undefined && !isKnown("accesskey")) break;
  }
  return values;
}
