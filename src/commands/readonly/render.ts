import { formatSpan } from "../../lib/spans-of-time.ts";
import type { ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";

/** @returns a report for people */
export function renderReadOnly(report: ReadOnlyReport): string {
  return [headline(report), ...details(report)].join("\n");
}

function headline({ by, readOnly, unchanged, command, dryRun, byConfiguration }: ReadOnlyReport): string {
  if (by === "none") {
    return `the registry does not run${byConfiguration ? "; its configuration says read-only" : ""}`;
  }
  if (readOnly === undefined) return "it cannot be told whether the registry takes writes";
  const state = readOnly ? "read-only" : "read-write";
  if (command === "readonly status") return `the registry is ${state}`;
  if (dryRun) return `the registry would be ${state}${unchanged ? ", as it is now" : ""}`;
  return unchanged ? `the registry was ${state} already` : `the registry is ${state} now`;
}

function details(report: ReadOnlyReport): string[] {
  const { since, until, reason, endedBy, file, cutOff, proof, answers, otherServers } = report;
  const rows: [string, string | undefined][] = [
    ["since", report.readOnly ? since : undefined],
    ["until", report.readOnly && until !== undefined ? describeEnd(until, endedBy) : undefined],
    ["reason", report.readOnly ? reason : undefined],
    [
      "configuration",
      file && `${file.path} says ${file.readOnly ? "read-only" : "read-write"}${file.changed ? " now" : ""}`,
    ],
    ["cut off", cutOff === 0 ? undefined : `${cutOff} writes that were under way`],
    [
      "proof",
      report.dryRun || report.by === "none" ? undefined : `${PROOFS[proof]}${answers ? ` (${answers})` : ""}`,
    ],
    ...otherServers.map(({ host, address, readOnly }): [string, string] => [
      "other server",
      `${host} (${address}): ${readOnly ? "read-only" : "read-write"}`,
    ]),
  ];
  const shown = rows.flatMap(([name, text]) => (text === undefined ? [] : [[name, text] as const]));
  const width = Math.max(0, ...shown.map(([name]) => name.length)) + 1;
  return shown.map(([name, text]) => `  ${`${name}:`.padEnd(width)} ${text}`);
}

const PROOFS: Readonly<Record<ReadOnlyReport["proof"], string>> = {
  probed: "asked at its address",
  acknowledged: "the server's own word",
  none: "none",
};

function describeEnd(until: string, endedBy: string | undefined): string {
  const left = (Date.parse(until) - Date.now()) / 1000;
  const by = endedBy === undefined ? "" : `, ended by ${endedBy}`;
  return left <= 0 ? `${until}, which is over${by}` : `${until}, in ${formatSpan(left)}${by}`;
}
