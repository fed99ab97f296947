import type { Origin } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import type { ReadValues } from "./read-values.ts";

/** The typed values of one section, by the names of its keys, and a place for what is to be said of them. */
export class SectionValues {
  /** Dotted path. */
  readonly section: string;
  readonly #values: ReadValues["values"];
  readonly #findings: Finding[];
  readonly #origin: Origin;

  /**
   * @param findings - what is said is added here
   * @param origin - the section's own place, for what is said of keys that are not there
   */
  constructor(section: string, values: ReadValues["values"], findings: Finding[], origin: Origin) {
    this.section = section;
    this.#values = values;
    this.#findings = findings;
    this.#origin = origin;
  }

  /** @returns undefined if the key is not there, or has nothing or something of another type */
  boolean(name: string): boolean | undefined {
    const value = this.#values.get(`${this.section}.${name}`)?.value;
    return typeof value === "boolean" ? value : undefined;
  }

  /** @returns undefined if the key is not there, or has nothing or something of another type */
  number(name: string): number | undefined {
    const value = this.#values.get(`${this.section}.${name}`)?.value;
    return typeof value === "number" ? value : undefined;
  }

  /** @returns the empty string if the key is not there, or has nothing or something of another type */
  text(name: string): string {
    const value = this.#values.get(`${this.section}.${name}`)?.value;
    return typeof value === "string" ? value : "";
  }

  /**
   * Never negative, which would mean "at once", and never zero unless zero is written: a bare number comes to a fraction of
   * a millisecond.
   */
  milliseconds(name: string, otherwise: number): number {
    const value = this.number(name) ?? otherwise;
    if (value >= 0) return Math.ceil(value);
    this.say("problem", name, "is negative, which leaves no time at all");
    return 1;
  }

  /** Whether the key is there with a value, whatever it is. */
  has(name: string): boolean {
    return this.#values.has(`${this.section}.${name}`);
  }

  /** @param message - follows the key's path */
  say(kind: Finding["kind"], name: string, message: string): void {
    const key = `${this.section}.${name}`;
    const origin = this.#values.get(key)?.origin ?? this.#origin;
    this.#findings.push({ kind, key, message: `${key} ${message}`, origin });
  }
}
