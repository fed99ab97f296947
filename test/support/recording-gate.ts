import type { SliceGate } from "../../src/registry/apply/slice-gate.ts";

/** One slice as a {@link RecordingGate} has seen it. */
export interface SeenSlice {
  number: number;
  keys: readonly string[];
  needed: readonly string[];
  concluded: boolean;
  undecided?: { keys: readonly string[]; untilMs: number } | undefined;
}

/** A gate with nobody behind it, that keeps what a test tells it to and remembers what it was asked. */
export class RecordingGate implements SliceGate {
  readonly slices: SeenSlice[] = [];
  /** How often a collection began. */
  begun = 0;
  /** Keys that somebody relies on. */
  readonly pinned = new Set<string>();
  onBegin: () => void | Promise<void> = () => undefined;
  /** Called before each answer; what it throws is the answer. */
  onCondemn: (keys: readonly string[], slice: number) => void | Promise<void> = () => undefined;
  onConclude: (slice: SeenSlice) => void | Promise<void> = () => undefined;

  /** Keys that are condemned now. */
  get condemned(): Set<string> {
    const open = this.slices.filter(({ concluded }) => !concluded);
    return new Set(open.flatMap(({ keys, needed }) => keys.filter((key) => !needed.includes(key))));
  }

  async begin(): Promise<void> {
    this.begun++;
    await this.onBegin();
  }

  async condemn(slice: number, keys: readonly string[]): Promise<ReadonlySet<string>> {
    if (this.slices.some(({ number }) => number === slice)) throw new Error(`slice ${slice} came twice`);
    if (new Set(keys).size !== keys.length) throw new Error("a key came twice");
    await this.onCondemn(keys, slice);
    const needed = keys.filter((key) => this.pinned.has(key));
    this.slices.push({ number: slice, keys, needed, concluded: false });
    return new Set(needed);
  }

  async conclude(slice: number, undecided?: { keys: readonly string[]; untilMs: number }): Promise<void> {
    const seen = this.slices.find(({ number }) => number === slice);
    if (!seen || seen.concluded) throw new Error(`slice ${slice} was concluded without being open`);
    seen.concluded = true;
    seen.undecided = undecided;
    await this.onConclude(seen);
  }
}
