import { UsageError } from "../../errors.ts";
import type { GlobalFlags } from "../context.ts";

/** How a registry is spoken to over HTTP; see `withRegistry`. */
export interface RegistryFlags extends GlobalFlags {
  /** `--registry URL`. */
  registry?: string;
  /** `--auth-file FILE`. */
  authFile?: string;
  /** `--ca FILE`. */
  ca?: string;
  /** `--key FILE`. */
  key?: string;
  /** `--issuer NAME`. */
  issuer?: string;
  /** `--audience NAME`. */
  audience?: string;
}

const ONLY_OVER_HTTP: readonly (readonly [keyof RegistryFlags, string])[] = [
  ["authFile", "--auth-file"],
  ["ca", "--ca"],
  ["key", "--key"],
  ["issuer", "--issuer"],
  ["audience", "--audience"],
];

/**
 * @param others - options that the command has for other uses too
 * @throws {UsageError} if there is no `--registry`, and something that is only for it
 */
export function refuseWithoutRegistry(
  flags: RegistryFlags,
  others: readonly (keyof RegistryFlags)[] = [],
): void {
  if (flags.registry !== undefined) return;
  const found = ONLY_OVER_HTTP.find(([name]) => !others.includes(name) && flags[name] !== undefined);
  if (found) throw new UsageError(`${found[1]} is of no use without --registry https://…`);
}
