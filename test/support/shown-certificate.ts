import { once } from "node:events";
import { connect } from "node:tls";

/** @returns the subject of the certificate that a new connection to a port of this machine is shown */
export async function shownName(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const name = socket.getPeerX509Certificate()?.subject;
  socket.destroy();
  return name;
}
