import { printable } from "../../lib/printable.ts";
import type { PemItem } from "../../operations/keys/show-pem.ts";
import { certificateLines, keyLines } from "./render-items.ts";

/** What `keys show` prints; with `--json` it is the document. */
export interface ShowReport {
  schemaVersion: 1;
  command: "keys show";
  files: { file: string; items: PemItem[] }[];
}

/** @returns the files with what is in them */
export function renderShown({ files }: ShowReport): string {
  const blocks = files.map(({ file, items }) =>
    [`${file}:`, ...items.flatMap(linesOf).map((line) => `  ${line}`)].join("\n"),
  );
  return printable(blocks.join("\n\n"));
}

function linesOf(item: PemItem): string[] {
  switch (item.kind) {
    case "certificate":
      return certificateLines(item);
    case "private key":
    case "public key":
      return [item.kind, ...keyLines(item.key)];
    case "private key with a password":
      return [item.kind];
    case "other":
      return [`something else: ${item.label}`];
  }
}
