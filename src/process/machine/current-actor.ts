import { readFileSync } from "node:fs";
import type { Actor } from "../../state/actor.ts";

/** What the kernel says of a process that no login has led to. */
const NO_LOGIN = 0xffff_ffff;

/**
 * @param env - of this process
 * @param uid - whom it ran as at its start: root may have become another user since
 * @returns who runs this process
 * @see https://man7.org/linux/man-pages/man5/proc_pid_loginuid.5.html
 */
export function currentActor(env: Readonly<Record<string, string | undefined>>, uid: number): Actor {
  const names = userNames();
  const user = names.get(uid);
  const loginUid = readLoginUid();
  const loginUser = loginUid === undefined ? undefined : names.get(loginUid);
  const sudoUser = env["SUDO_USER"];
  return {
    uid,
    ...(user === undefined ? {} : { user }),
    ...(sudoUser ? { sudoUser } : {}),
    ...(loginUid === undefined ? {} : { loginUid }),
    ...(loginUser === undefined ? {} : { loginUser }),
  };
}

function readLoginUid(): number | undefined {
  try {
    const uid = Number(readFileSync("/proc/self/loginuid", "utf8"));
    return Number.isSafeInteger(uid) && uid >= 0 && uid !== NO_LOGIN ? uid : undefined;
  } catch {
    return undefined;
  }
}

/** Users of network directories are not in the file: they have no name here. */
function userNames(): Map<number, string> {
  const names = new Map<number, string>();
  try {
    for (const line of readFileSync("/etc/passwd", "utf8").split("\n")) {
      const [name, , uid] = line.split(":");
      if (name && uid && !names.has(Number(uid))) names.set(Number(uid), name);
    }
  } catch {
    // Numbers do.
  }
  return names;
}
