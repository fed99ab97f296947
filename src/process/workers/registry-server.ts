import { ConfigError, RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { Registry } from "../../registry/registry.ts";
import { createRegistryServer } from "../../server/create-server.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { openDriver } from "../../storage/open-driver.ts";
import type { HostedServer, ServerParts } from "./hosted-server.ts";

/** Opens the store, where the process has not done so, and makes the registry's server on it. */
export async function createServer(parts: ServerParts): Promise<HostedServer> {
  const { settings, secret } = parts.order;
  const storage = parts.storage ?? (await openStore(parts));
  try {
    return createRegistryServer({
      registry: new Registry(storage),
      settings,
      coordination: parts.coordination,
      audit: parts.audit,
      logger: parts.logger,
      accessLog: parts.accessLog,
      secret,
      heldNames: parts.order.heldNames,
    });
  } catch (error) {
    if (error instanceof RegistryCtlError || settings.http.tls === undefined) throw error;
    // Nothing but the certificate and its key is read from outside here.
    throw new ConfigError(`http.tls: ${messageOf(error)}`, {
      cause: error,
      hint: "check http.tls.certificate and http.tls.key: PEM files that the registry's user may read",
    });
  }
}

function openStore({ order, logger }: ServerParts): Promise<StorageDriver> {
  return openDriver(order.settings.storage, {
    readOnly: order.readOnlyStore,
    rateFolder: order.rateFolder,
    env: process.env,
    onNotice: (message) => logger.warn(message),
    onRequest: (line) => logger.info(line),
  });
}
