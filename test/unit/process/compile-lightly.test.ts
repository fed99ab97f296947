import { execa } from "execa";
import { expect, test } from "vitest";

const MODULE = new URL("../../../src/process/compile-lightly.ts", import.meta.url).href;

test("asks V8 for nothing that it does not know, which it would tell of on stderr", async () => {
  const script = `const { compileLightly } = await import(${JSON.stringify(MODULE)}); compileLightly();`;
  const args = ["--import", "tsx", "--input-type=module", "--eval", script];
  const { exitCode, stderr } = await execa(process.execPath, args, { reject: false });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
});
