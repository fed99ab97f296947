import { printable } from "../../lib/printable.ts";
import type { KeysCheck } from "../../operations/keys/check-keys.ts";
import { gitlabPlaces } from "./gitlab-places.ts";
import { certificateLines, keyLines } from "./render-items.ts";

/** What `keys check` prints; with `--json` it is the document. */
export type KeysCheckReport = KeysCheck & {
  schemaVersion: 1;
  command: "keys check";
  /** The file as it was named. */
  config: string;
};

/** @returns what was looked at, what is wrong with it, where the halves belong, and the verdict last */
export function renderCheck(report: KeysCheckReport): string {
  const { key, bundle, problems, warnings, issuer, service, fits } = report;
  const lines: string[] = [];
  if (key) lines.push(`${key.file}:`, "  private key", ...keyLines(key).map((line) => `  ${line}`));
  if (bundle) {
    lines.push(`${bundle.file}:`);
    for (const certificate of bundle.certificates) {
      const [first = "", ...others] = certificateLines(certificate);
      lines.push(
        `  ${first}${certificate.ofKey ? " (of this key)" : ""}`,
        ...others.map((line) => `  ${line}`),
      );
    }
  }
  lines.push(`${report.config}: issuer ${JSON.stringify(issuer)}, service ${JSON.stringify(service)}`, "");
  if (key && bundle) {
    lines.push(...gitlabPlaces({ keyFile: key.file, certificateFile: bundle.file, issuer }), "");
  }
  lines.push(...problems.map((problem) => `problem: ${problem}`));
  lines.push(...warnings.map((warning) => `warning: ${warning}`));
  lines.push(
    fits
      ? "key, certificates and issuer fit together: a token that GitLab signs is accepted"
      : "key, certificates and issuer do not fit together",
  );
  return printable(lines.join("\n"));
}
