import { nodeAt } from "../../config/config-tree.ts";
import { type ConfigChange, editConfig } from "../../config/edit/edit-config.ts";
import { driverSectionOf, replaceDriver } from "../../config/edit/replace-driver.ts";
import { parseYaml } from "../../config/parse-yaml.ts";
import { plainValue } from "../../config/plain-value.ts";
import { readConfig } from "../../config/read-config.ts";
import { type DriverSection, parseSection } from "../../config/target-section.ts";
import { ConfigError } from "../../errors.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { changeReadOnly, saysReadOnly } from "../readonly/read-only-key.ts";

const REDIRECT_KEY: readonly string[] = ["storage", "redirect", "disable"];

/** A configuration that names another store. */
export interface SwitchedTexts {
  /** What is to stand there in the end. */
  after: string;
  /** The same, but read-only: what the registry is tried with. */
  tried: string;
}

/** What {@link switchTexts} goes by. */
export interface SwitchRequest {
  /** The configuration as it was before anybody made the registry read-only for the switch. */
  original: string;
  file: string;
  section: DriverSection;
  /** The bucket may be downloaded from directly; undefined: as it is written. */
  redirects: boolean | undefined;
  /** The store that the result must come to, as `storeIdentity` gives it. */
  identity: string;
  /** With the registry's own overrides. */
  env: Readonly<Record<string, string | undefined>>;
  /** What the way back leads to; left out: it leads forward. */
  earlier?: EarlierConfig;
}

/** A configuration from before a move. */
export interface EarlierConfig {
  text: string;
  /** What was put in the place of its driver. */
  replacedBy: DriverSection;
}

/**
 * Makes the texts of a configuration with another store.
 *
 * @throws {ConfigError} if the file cannot be changed so, or it would come to another store: the environment may decide over it
 */
export function switchTexts({
  original,
  file,
  section,
  redirects,
  identity,
  env,
  earlier,
}: SwitchRequest): SwitchedTexts {
  const isUntouched = earlier !== undefined && isMadeOf(original, earlier, file);
  const after = isUntouched ? earlier.text : withDriver(original, file, section, redirects);
  requireStore(after, { file, identity, env });
  return { after, tried: changeReadOnly(after, file, true).after };
}

/** Nobody has changed the configuration since the move: all of the one from before may stand there again. */
function isMadeOf(text: string, { text: earlier, replacedBy }: EarlierConfig, file: string): boolean {
  return [undefined, false, true].some(
    (redirects) => withDriver(earlier, file, replacedBy, redirects) === text,
  );
}

function withDriver(
  text: string,
  file: string,
  section: DriverSection,
  redirects: boolean | undefined,
): string {
  const after = replaceDriver(text, section, file);
  if (redirects === undefined || saysRedirect(after, file) === redirects) return after;
  const change: ConfigChange = { path: REDIRECT_KEY, value: !redirects };
  return editConfig(after, [change], file);
}

/**
 * @param kept - the configuration from before the move
 * @returns what has to stand under `storage` again; its redirect too
 */
export function keptSection(kept: string, file: string): { section: DriverSection; redirects: boolean } {
  const section = driverSectionOf(kept, file);
  if (section === undefined) throw new ConfigError(`${file} names no storage driver`);
  return { section, redirects: saysRedirect(kept, file) };
}

/** @returns the section of the store that a move goes to, as it was written down */
export function recordedSection(text: string): DriverSection {
  return parseSection(text);
}

/** @returns the store that a configuration comes to with its environment; undefined if it comes to none */
export function identityOf(
  text: string,
  file: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { settings } = readConfig(text, file, env);
  return settings && storeIdentity(settings.storage);
}

/** @returns the text as it is without what makes the registry read-only for the time of a switch */
export function withoutHold(text: string, file: string, original: string): string {
  if (text === original) return text;
  const held = changeReadOnly(original, file, true).after;
  return text === held ? original : changeReadOnly(text, file, saysReadOnly(original, file)).after;
}

function saysRedirect(text: string, file: string): boolean {
  const { root } = parseYaml(text, { kind: "file", file });
  const node = nodeAt(root, REDIRECT_KEY);
  return !(node !== undefined && plainValue(node) === true);
}

function requireStore(
  text: string,
  { file, identity, env }: Pick<SwitchRequest, "file" | "identity" | "env">,
): void {
  if (identityOf(text, file, env) === identity) return;
  const deciding = Object.keys(env).filter((name) => /^REGISTRY_STORAGE(_|$)/.test(name));
  const why =
    deciding.length === 0 ? "" : `: the environment decides over it (${deciding.sort().join(", ")})`;
  throw new ConfigError(`${file} would not come to the new store${why}`, {
    hint: "change or remove these variables where the service gets its environment, together with the file",
  });
}
