import type { EventEmitter } from "node:events";

/**
 * Calls back when a process has ended and everything that it had said over its channel has been heard: its end may be
 * known before its last words are read.
 */
export function onceHeardOut(child: EventEmitter, callback: () => void): void {
  let left = 2;
  const part = (): void => {
    left--;
    if (left === 0) callback();
  };
  child.once("exit", part);
  child.once("disconnect", part);
}
