import { InvalidArgumentError } from "commander";

/** @returns how many processes are to serve */
export function parseWorkers(text: string): number {
  const workers = Number(text);
  if (!/^\d{1,3}$/.test(text) || workers < 1) throw new InvalidArgumentError("It is a number from 1 to 999.");
  return workers;
}
