const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

/** @returns a number of bytes for people: `0 B`, `999 B`, `1.4 GiB` */
export function formatBytes(sizeBytes: number): string {
  let value = sizeBytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
