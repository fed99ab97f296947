import { messageOf } from "../../lib/message-of.ts";

/** So many are told by path and reason. */
const KEPT = 1000;

/** Collects what could not be looked at, in bounded memory. */
export class UncheckedLog {
  readonly first: { path: string; error: string }[] = [];
  total = 0;

  add(path: string, error: unknown): void {
    this.total++;
    if (this.first.length >= KEPT) return;
    this.first.push({ path, error: messageOf(error) });
  }
}
