import { parseServiceSpec } from "../../config/service-spec.ts";
import type { Service } from "../../control/service.ts";
import type { DutyPlace, DutyServer } from "../../state/duty.ts";
import { readConfigFile, replaceConfigFile } from "../files/config-files.ts";
import { withdrawFromNodes } from "../nodes/ask-nodes.ts";
import { launchServer } from "../service/launch-server.ts";
import { openService } from "../service/open-service.ts";
import { findHeldServer } from "./held-server.ts";
import { restoreKeptReadOnly } from "./restore-kept.ts";

/** What ends duties on this host. */
export const dutyHands = {
  /** @returns the server that is meant, or undefined if it does not run */
  server: findHeldServer,
  restoreKept: restoreKeptReadOnly,
  /** @param spec - as `--service` takes it */
  openService: (spec: string): Service => openService(parseServiceSpec(spec)),
  /** Starts our server in the background. */
  startServer: (server: DutyServer): void => launchServer(server).letGo(),
  withdrawFromNodes: async (place: DutyPlace, request: string): Promise<boolean> =>
    (await withdrawFromNodes(place, request)).withdrawn,
  files: { read: readConfigFile, replace: replaceConfigFile },
  nowMs: Date.now,
};
