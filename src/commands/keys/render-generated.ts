import { printable } from "../../lib/printable.ts";
import type { GenerateKeysReport } from "../../operations/keys/generate-keys.ts";
import { gitlabPlaces } from "./gitlab-places.ts";
import { certificateLines } from "./render-items.ts";

/** @returns what was written, what is in it, and where it belongs */
export function renderGenerated(report: GenerateKeysReport, issuer: string): string {
  const { dryRun, keyFile, certificateFile, bundle, backups, certificate } = report;
  const verb = dryRun ? "would write" : "wrote";
  const lines = [`${verb} ${keyFile}: the private key`, `${verb} ${certificateFile}: its certificate`];
  if (bundle) {
    lines.push(
      `${dryRun ? "would add" : "added"} the certificate to ${bundle.file}, which then has ${bundle.certificates}`,
    );
  }
  lines.push(...backups.map((path) => `kept ${path}`));
  if (dryRun || !certificate) return printable(lines.join("\n"));
  lines.push("", ...certificateLines(certificate), "");
  if (bundle) lines.push(...keyChange(keyFile, certificateFile, bundle.file), "");
  lines.push(...gitlabPlaces({ keyFile, certificateFile: bundle?.file ?? certificateFile, issuer }));
  return printable(lines.join("\n"));
}

function keyChange(keyFile: string, certificateFile: string, bundle: string): string[] {
  return [
    "To change the key without downtime:",
    `  1. Let every registry node have ${bundle} with both certificates. registry-ctl serve reads it by itself;`,
    "     a Go registry must be restarted.",
    `  2. Then give GitLab ${keyFile}, on every node with Puma or Sidekiq.`,
    "  3. After a quarter of an hour the last token of the old key has expired, unless GitLab's setting for the life of",
    `     tokens was raised: then let the registries have ${certificateFile} alone.`,
  ];
}
