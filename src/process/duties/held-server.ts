import { openControlClient } from "../../control/control-client.ts";
import type { Control } from "../../control/protocol.ts";
import type { UndoServerReadOnly } from "../../state/duty.ts";
import { isAnswered, livingRecords } from "../control/find-server.ts";
import { heldFolders } from "./restore-kept.ts";

/**
 * Finds the server that a duty keeps read-only: at the socket where it was, or where a server says that it is which has gone
 * on after it with what was kept, maybe on another store and so at another socket.
 *
 * @returns undefined if none runs
 */
export async function findHeldServer(undo: UndoServerReadOnly): Promise<Control | undefined> {
  const { socket, token } = undo;
  if (await isAnswered(socket)) return openControlClient(socket);
  for (const record of livingRecords(heldFolders(undo))) {
    if (record.socket === undefined || !(await isAnswered(record.socket))) continue;
    const control = openControlClient(record.socket);
    const status = await control.status().catch(() => undefined);
    if (status?.readOnly.reason === token) return control;
  }
  return undefined;
}
