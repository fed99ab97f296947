import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * `systemctl` and `journalctl` for machines that no systemd runs: they know `start`, `stop`, `restart`, `show` and
 * `reset-failed`, and keep the processes, and what they write, in a folder.
 */
export interface FakeSystemd {
  /** To be put before PATH. */
  bin: string;
  /** Lines of the calls of `systemctl`, as they came. */
  calls: string;
  /** Makes a unit known. `line` is what `/bin/sh` runs; it must not return before the service ends. */
  addUnit(name: string, line: string): void;
}

/** @param folder - a temporary one, which the caller removes when all units have stopped */
export function makeFakeSystemd(folder: string): FakeSystemd {
  const [bin, state] = [join(folder, "bin"), join(folder, "systemd")];
  mkdirSync(bin, { recursive: true });
  mkdirSync(state);
  const write = (name: string, text: string): void => {
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  };
  write("systemctl", SYSTEMCTL.replaceAll("{{state}}", state));
  write("journalctl", JOURNALCTL.replaceAll("{{state}}", state));
  return {
    bin,
    calls: join(state, "calls"),
    addUnit: (name, line) => writeFileSync(join(state, name), line),
  };
}

const SYSTEMCTL = `#!/bin/bash
cd '{{state}}' || exit 1
echo "$*" >>calls
[ "$1" = --no-ask-password ] && shift
verb=$1 unit=$2
running() {
  local stat
  [ -s "$unit.pid" ] && stat=$(cat "/proc/$(cat "$unit.pid")/stat" 2>/dev/null) && [[ $stat != *') Z '* ]]
}
start() {
  running && return 0
  setsid /bin/bash -c "exec $(cat "$unit")" </dev/null >>"$unit.journal" 2>&1 &
  echo $! >"$unit.pid"
}
stop() {
  running || return 0
  kill "$(cat "$unit.pid")"
  while running; do sleep 0.05; done
}
if [ ! -e "$unit" ] && [ "$verb" != show ]; then
  echo "Failed to $verb $unit: Unit $unit not found." >&2
  exit 5
fi
case $verb in
start | stop) "$verb" ;;
restart) stop; start ;;
reset-failed) ;;
show)
  echo "Restart=on-failure"
  if [ ! -e "$unit" ]; then printf 'LoadState=not-found\\nActiveState=inactive\\nMainPID=0\\n'
  elif running; then printf 'LoadState=loaded\\nActiveState=active\\nSubState=running\\nMainPID=%s\\n' "$(cat "$unit.pid")"
  else printf 'LoadState=loaded\\nActiveState=inactive\\nSubState=dead\\nMainPID=0\\n'; fi ;;
*) echo "Unknown command verb $verb." >&2; exit 1 ;;
esac
`;

const JOURNALCTL = `#!/bin/bash
lines=10 follow= unit=
while [ $# -gt 0 ]; do
  case $1 in
  --unit) unit=$2; shift ;;
  --lines) lines=$2; shift ;;
  --follow) follow=-f ;;
  esac
  shift
done
exec tail -n "$lines" $follow '{{state}}'/"$unit.journal"
`;
