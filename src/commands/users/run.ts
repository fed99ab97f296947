import { checkUserChange, removeUser, setPassword } from "../../operations/users/change-users.ts";
import { listUsers } from "../../operations/users/list-users.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { findUsersFile, type UsersFlags } from "./find-users-file.ts";
import { checkPasswordFlags, newPassword, type PasswordFlags } from "./new-password.ts";
import { renderChange, renderUsers } from "./render.ts";

/** What a command has that changes something. */
interface ChangeFlags extends UsersFlags {
  dryRun?: boolean;
  dryrun?: boolean;
}

/** Options of `users add` and `users passwd`. */
export interface SetPasswordFlags extends ChangeFlags, PasswordFlags {
  cost: number;
}

/** Options of `users remove`. */
export interface RemoveFlags extends ChangeFlags {
  yes?: boolean;
}

/** What the command line says beside options. */
export interface UserArguments {
  user: string;
  /** The configuration. */
  config: string | undefined;
}

/** `users add` and `users passwd`. */
export async function runSetPassword(
  context: CommandContext,
  verb: "add" | "passwd",
  { user, config }: UserArguments,
  flags: SetPasswordFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  if (!dryRun) checkPasswordFlags(context, flags);
  const { path, newOwner } = await findUsersFile(context, config, flags, { changes: !dryRun });
  checkUserChange(verb, { path, user });
  const { password, isGenerated } = dryRun
    ? { password: "", isGenerated: false }
    : await newPassword(context, user, flags);
  if (!dryRun) await context.recordChange({ target: path, summary: `user ${user}` });
  const report = await setPassword(
    verb,
    { path, user, dryRun, newOwner, signal: context.signal },
    { password, isGenerated, cost: flags.cost },
  );
  context.report(report, renderChange, flags);
}

/** `users remove`. */
export async function runRemove(
  context: CommandContext,
  { user, config }: UserArguments,
  flags: RemoveFlags,
): Promise<void> {
  const dryRun = isDryRun(flags);
  const { path } = await findUsersFile(context, config, flags, {
    changes: !dryRun,
    destructive: !dryRun,
  });
  checkUserChange("remove", { path, user });
  if (!dryRun) {
    await context.confirm(`Remove user ${user} from ${path}?`, flags);
    await context.recordChange({ target: path, summary: `user ${user}` });
  }
  const report = await removeUser({ path, user, dryRun, signal: context.signal });
  context.report(report, renderChange, flags);
}

/** `users list`. */
export async function runList(
  context: CommandContext,
  config: string | undefined,
  flags: UsersFlags,
): Promise<void> {
  const { path } = await findUsersFile(context, config, flags, { changes: false });
  const report = listUsers(path);
  if (!flags.json) {
    for (const line of report.brokenLines) {
      context.stderr.write(
        `warning: ${path}:${line}: the line is not NAME:HASH: no registry starts with it\n`,
      );
    }
  }
  context.report(report, renderUsers, flags);
}
