import { printableLine } from "../../lib/printable.ts";
import type { StartReport } from "../../operations/service/start-registry.ts";

/** @returns what came of `start`, for people */
export function renderStart({ outcome, by, service, pid, address, log }: StartReport): string {
  const where = address === undefined ? "" : ` at ${address}`;
  const who = pid === undefined ? "" : `process ${pid}`;
  if (outcome === "running")
    return printableLine(`runs already: ${who || (service ?? "the registry")}${where}`);
  const how = by === "service" ? [`by ${service}`] : ["in the background"];
  const lines = [`started: ${[...(who === "" ? [] : [who]), ...how].join(" ")}${where}`];
  if (log !== undefined) lines.push(`log:     ${log}`);
  return lines.map(printableLine).join("\n");
}
