import { printableLine } from "../../lib/printable.ts";
import type { UserChangeReport, UserVerb } from "../../operations/users/change-users.ts";
import type { ListedUser, UserListReport } from "../../operations/users/list-users.ts";
import { renderTable } from "../../ui/table.ts";

const DONE: Readonly<Record<UserVerb, (user: string, file: string) => string>> = {
  add: (user, file) => `added ${user} to ${file}`,
  passwd: (user, file) => `gave ${user} another password in ${file}`,
  remove: (user, file) => `removed ${user} from ${file}`,
};

const WOULD: Readonly<Record<UserVerb, (user: string, file: string) => string>> = {
  add: (user, file) => `would add ${user} to ${file}`,
  passwd: (user, file) => `would give ${user} another password in ${file}`,
  remove: (user, file) => `would remove ${user} from ${file}`,
};

/** @returns what was done, with a password that was made, which nobody can look up later */
export function renderChange(report: UserChangeReport): string {
  const verb = verbOf(report);
  const what = (report.dryRun ? WOULD : DONE)[verb](printableLine(report.user), printableLine(report.file));
  const lines = [what];
  if (report.createdFile) lines.push("the file is new; only its owner may read it");
  if (report.writtenInPlace)
    lines.push("the file was written where it is: it could not be replaced as a whole");
  if (report.lastUser)
    lines.push(`nobody ${report.dryRun ? "could" : "can"} log in any more: there is no other user`);
  if (report.password !== undefined) lines.push(`password: ${report.password}`);
  return lines.join("\n");
}

/** @returns a table of users, without their hashes */
export function renderUsers({ users }: UserListReport): string {
  if (users.length === 0) return "no users";
  const rows = users.map((user) => [printableLine(user.name), hashText(user), user.problem ?? ""]);
  return renderTable(["USER", "HASH", ""], rows);
}

function hashText({ hash, cost }: ListedUser): string {
  return cost === undefined ? hash : `${hash}, cost ${cost}`;
}

function verbOf({ command }: UserChangeReport): UserVerb {
  switch (command) {
    case "users add":
      return "add";
    case "users passwd":
      return "passwd";
    case "users remove":
      return "remove";
  }
}
