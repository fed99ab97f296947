import type { Duty } from "../../state/duty.ts";

/** @returns what was changed for a time, for people: `the registry was stopped` */
export function describeUndo({ undo }: Duty): string {
  switch (undo.kind) {
    case "server-read-only":
      return "the server was made read-only";
    case "configuration":
      return `${undo.file} was made read-only`;
    case "stop":
      return "the registry was stopped";
    case "nodes":
      return "all servers on the store were made read-only";
  }
}
