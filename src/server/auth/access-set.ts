import type { Access } from "./access.ts";

/** What a token allows, by type and name of what it allows it on. */
export class AccessSet {
  readonly #actions = new Map<string, Set<string>>();

  /** Adds to what was allowed before. */
  add(type: string, name: string, actions: Iterable<string>): void {
    const key = keyOf(type, name);
    const known = this.#actions.get(key) ?? new Set();
    for (const action of actions) known.add(action);
    this.#actions.set(key, known);
  }

  /**
   * Tells whether something is allowed, by itself or by `*`. There is no `*` for names, and a type must be the very
   * same: `repository(plugin)` is not `repository`, as the Go registry has it.
   */
  allows({ type, name, action }: Access): boolean {
    const actions = this.#actions.get(keyOf(type, name));
    return actions !== undefined && (actions.has(action) || actions.has("*"));
  }
}

/** Neither a type nor a name that we ask for has a NUL in it, so that no two pairs come to the same key. */
function keyOf(type: string, name: string): string {
  return `${type}\0${name}`;
}
