import { asRecord, isText } from "./json-fields.ts";

/** Who runs a command, as far as the system and `sudo` tell. */
export interface Actor {
  /** Whom the command runs as. */
  uid: number;
  /** The name of {@link uid}, if it has one. */
  user?: string;
  /** Who called `sudo`, as it says itself. */
  sudoUser?: string;
  /** Who logged in, whatever user that became since. Known on Linux where logins are audited. */
  loginUid?: number;
  loginUser?: string;
}

/** @returns the person behind a command, with the user that it ran as where that is another one: `alice (as root)` */
export function describeActor(actor: Actor): string {
  const ranAs = actor.user ?? String(actor.uid);
  const person = personOf(actor);
  return person === ranAs ? person : `${person} (as ${ranAs})`;
}

/** @returns every name and number by which somebody may look for what this actor did */
export function namesOf(actor: Actor): string[] {
  const { uid, user, sudoUser, loginUid, loginUser } = actor;
  return [
    String(uid),
    user,
    sudoUser,
    loginUser,
    loginUid === undefined ? undefined : String(loginUid),
  ].filter((name) => name !== undefined);
}

/** @returns what {@link Actor} a record names, or undefined if it names none */
export function parseActor(json: unknown): Actor | undefined {
  const fields = asRecord(json);
  if (!fields || !isUserId(fields["uid"])) return undefined;
  const { user, sudoUser, loginUid, loginUser } = fields;
  return {
    uid: fields["uid"],
    ...(isText(user) ? { user } : {}),
    ...(isText(sudoUser) ? { sudoUser } : {}),
    ...(isUserId(loginUid) ? { loginUid } : {}),
    ...(isText(loginUser) ? { loginUser } : {}),
  };
}

function personOf({ uid, user, sudoUser, loginUid, loginUser }: Actor): string {
  // The kernel's word first: anybody can set a variable.
  const login = loginUser ?? (loginUid === undefined ? undefined : String(loginUid));
  const isLoginOfAnother = loginUid !== undefined && loginUid !== 0 && loginUid !== uid;
  return (isLoginOfAnother ? login : undefined) ?? sudoUser ?? user ?? String(uid);
}

function isUserId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
