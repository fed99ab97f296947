import { InvalidArgumentError } from "commander";
import { parseBytes } from "../../lib/parse-bytes.ts";
import type { SortKey, UsageKind } from "../../operations/usage/usage-report.ts";
import type { GitLabFlags } from "../../ui/options/gitlab.ts";
import type { RegistryFlags } from "../over-http/registry-flags.ts";
import type { ReadFlags } from "./read-model.ts";

/** In which form rows are printed. */
export const FORMATS = ["table", "csv", "gitlab-csv", "json", "md"] as const;

/** What the command line of `usage` says. */
export interface UsageFlags extends ReadFlags, GitLabFlags, RegistryFlags {
  /** `--repository NAME`, with `--registry`. */
  repository?: string[];
  by: UsageKind;
  depth?: number;
  /** The path of a list of projects; `-` for standard input. */
  projects?: string;
  sort?: SortKey;
  top?: number;
  /** In milliseconds since 1970. */
  since?: number;
  /** In bytes. */
  over?: number;
  format: (typeof FORMATS)[number];
  /** The path of a list of images that stay. */
  protect?: string;
}

/** @returns the bytes of `10GB` */
export function parseSize(text: string): number {
  const bytes = parseBytes(text);
  if (bytes === undefined) throw new InvalidArgumentError("It is a size such as 500MB, 10GB or 1.5TiB.");
  return bytes;
}

/** @returns a number from 1 to 99 */
export function parseDepth(text: string): number {
  const depth = Number(text);
  if (!/^\d{1,2}$/.test(text) || depth < 1) throw new InvalidArgumentError("It is a number from 1 to 99.");
  return depth;
}

/** @returns how many rows are shown; 0 for all */
export function parseTop(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError("It is a number; 0 for all.");
  return Number(text);
}
