import { Option } from "commander";

/** `--protect FILE`. */
export function protectOption(): Option {
  return new Option(
    "--protect <file>",
    "never delete the images in this file, such as those that run: a reference or digest a line; - is standard input",
  );
}
