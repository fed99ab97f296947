import { formatBytes } from "../../lib/units.ts";

/** @returns counts and bytes of the top folders and of all, in columns */
export function renderAmountsTable(
  folders: readonly { folder: string; files: number; bytes: number }[],
  total: { files: number; bytes: number },
): string[] {
  const rows = [...folders, { folder: "all", ...total }].map(({ folder, files, bytes }) => [
    folder,
    `${files} ${files === 1 ? "file" : "files"}`,
    formatBytes(bytes),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map(
    ([name = "", files = "", bytes = ""]) =>
      `  ${name.padEnd(widths[0] ?? 0)}  ${files.padStart(widths[1] ?? 0)}  ${bytes.padStart(widths[2] ?? 0)}`,
  );
}
