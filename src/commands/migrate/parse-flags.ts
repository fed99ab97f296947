import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1000,
  m: 1000 ** 2,
  g: 1000 ** 3,
  ki: 1024,
  mi: 1024 ** 2,
  gi: 1024 ** 3,
};

/** @returns bytes a second of `200MiB/s`, `1.5G` or a bare number */
export function parseBandwidth(text: string): number {
  const [, number = "", unit = ""] = /^(\d+(?:\.\d+)?)\s*([kmg]i?)?(?:b(?:\/s)?)?$/i.exec(text) ?? [];
  const factor = UNITS[unit.toLowerCase()];
  const bytes = Math.round(Number(number) * (factor ?? 1));
  if (number === "" || factor === undefined || bytes < 1) {
    throw new InvalidArgumentError("It is a number of bytes a second, such as 200MiB/s.");
  }
  return bytes;
}

/** @returns per cent, from `5%` or `5`; what cannot be meant as one, which is the argument behind a bare `--checksum` */
export function parseShare(text: string): number | string {
  if (!/^[\d.]+$|%$/.test(text)) return text;
  const percent = Number(text.replace(/%$/, ""));
  if (!/^\d+(\.\d+)?%?$/.test(text) || percent <= 0 || percent > 100) {
    throw new InvalidArgumentError(
      "It is a number of per cent above 0% and up to 100%, such as --checksum=5%.",
    );
  }
  return percent;
}
