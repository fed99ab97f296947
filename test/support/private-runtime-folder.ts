import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Gives all servers that tests start a folder for their sockets, so that none is made below /run. */
export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "registry-ctl-run-"));
  // Servers that root starts as another user must be able to pass.
  chmodSync(folder, 0o711);
  process.env["XDG_RUNTIME_DIR"] = folder;
  return () => rmSync(folder, { recursive: true, force: true });
}
