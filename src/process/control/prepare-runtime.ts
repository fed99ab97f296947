import { chownSync } from "node:fs";
import type { Settings } from "../../config/settings.ts";
import { RegistryStateError } from "../../errors.ts";
import { makeFolders } from "../../lib/make-folders.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type Owner, ownerToSwitchTo } from "../machine/switch-user.ts";
import {
  makeRuntimeFolder,
  placeInState,
  placeOfSocket,
  type RuntimePlace,
  requireTrusted,
  runtimePlaces,
  serverName,
} from "./runtime-folder.ts";

/** Where a server will be spoken to, or why nowhere. */
export type PreparedRuntime = { place: RuntimePlace } | { place: undefined; problem: string };

/**
 * Makes the folder of a server's control socket, for the user that the registry will run as; so it is to be called before
 * root switches to that user.
 *
 * @param controlSocket - `--control-socket`
 * @param stateFolder - taken where another user has taken the usual places before, which in /tmp anybody can do
 * @throws {RegistryStateError} if the socket cannot be where it was asked for
 */
export function prepareRuntime(
  settings: Settings,
  controlSocket: string | undefined,
  stateFolder?: string,
): PreparedRuntime {
  const { storage } = settings;
  const uid = process.getuid?.() ?? 0;
  const owner = storage.driver === "filesystem" ? ownerToSwitchTo(storage.rootDirectory) : undefined;
  if (controlSocket !== undefined) return { place: prepareGiven(controlSocket, uid, owner) };
  const name = serverName(settings);
  const places = runtimePlaces(name, { uid, env: process.env });
  // Not where root would have to change something in a folder of another user.
  const last = stateFolder === undefined || owner !== undefined ? undefined : placeInState(stateFolder, name);
  const problems: string[] = [];
  for (const place of last === undefined ? places : [...places, last]) {
    try {
      makeRuntimeFolder(place, uid, owner);
      return { place };
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  return { place: undefined, problem: problems.join("; ") };
}

function prepareGiven(controlSocket: string, uid: number, owner: Owner | undefined): RuntimePlace {
  const place = placeOfSocket(controlSocket);
  try {
    if (makeFolders(place.folder, 0o700) && owner !== undefined) {
      chownSync(place.folder, owner.uid, owner.gid);
    }
    requireTrusted(place.folder, [0, uid, ...(owner === undefined ? [] : [owner.uid])]);
  } catch (cause) {
    throw new RegistryStateError(`the control socket cannot be at ${place.socket}: ${messageOf(cause)}`, {
      cause,
      hint: "give --control-socket in a folder that nobody but the registry's user and root may change",
    });
  }
  return place;
}
