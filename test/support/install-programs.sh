#!/bin/bash
# Installs the real programs that test/e2e runs, on Debian 12, as root:
# - from the system's own release: skopeo, buildah, podman, umoci, docker-registry (the Go registry), nginx, htpasswd, curl,
#   strace, pebble (Let's Encrypt's test authority), aws, setfacl, runsv and sv (runit), wrk, logrotate;
# - crane and oras, which Debian 12 lacks, from Debian's unstable suite. Those are unpacked into a folder of their
#   own with dpkg -x, so the system itself never gets a package of another release. The mirror is the one that the
#   system's own apt sources name;
# - two releases of Ceph, for its S3 gateway, each unpacked into a root of its own.
# Usage: test/support/install-programs.sh [FOLDER for crane, oras and Ceph]
set -euo pipefail

folder=${1:-${REGISTRY_CTL_TEST_PROGRAMS:-${XDG_CACHE_HOME:-$HOME/.cache}/registry-ctl-tests}}
export DEBIAN_FRONTEND=noninteractive

release_packages=(skopeo buildah podman umoci docker-registry nginx apache2-utils curl ca-certificates bsdutils xz-utils strace util-linux pebble awscli acl runit wrk logrotate)
unstable_packages=(crane oras)

apt_quietly() {
  local log
  log=$(mktemp)
  if ! apt-get -q -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    echo "install-programs: apt-get $* failed" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

install_from_release() {
  local missing=() package
  for package in "${release_packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
  done
  apt_quietly update
  [ ${#missing[@]} -eq 0 ] && return
  echo "install-programs: installing ${missing[*]}"
  # The packages would start a Go registry on port 5000 and nginx on port 80: the tests start their own.
  local policy=/usr/sbin/policy-rc.d made_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made_policy=yes
  fi
  local status=0
  apt_quietly install -y --no-install-recommends "${missing[@]}" || status=$?
  [ -z "$made_policy" ] || rm -f "$policy"
  return "$status"
}

# The line of the system's own sources for its release's main archive, as "URI|SIGNED-BY|RELEASE".
main_archive() {
  apt-get indextargets --format '$(REPO_URI)|$(SIGNED_BY)|$(RELEASE)' 'Created-By: Packages' 'Component: main' |
    awk -F'|' '$3 !~ /-/ { print; exit }'
}

unpack_from_unstable() {
  local package all_there=yes
  for package in "${unstable_packages[@]}"; do [ -x "$folder/bin/$package" ] || all_there=; done
  [ -z "$all_there" ] || return 0

  echo "install-programs: unpacking ${unstable_packages[*]} from the unstable suite into $folder"
  local uri signed_by _release
  IFS='|' read -r uri signed_by _release < <(main_archive)
  [ -n "$uri" ] || { echo "install-programs: no main archive in the system's apt sources" >&2; return 1; }
  # An apt that does not know the field gives it back as it was written.
  case $signed_by in ''|'$('*) signed_by=/usr/share/keyrings/debian-archive-keyring.gpg ;; esac

  local apt
  apt=$(mktemp -d)
  # apt downloads as its own user, who must be able to enter and write here.
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs" "$folder/bin"
  chmod -R 777 "$apt"
  echo "deb [signed-by=$signed_by] $uri sid main" >"$apt/sources.list"
  local options=(
    -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
  )
  apt_quietly "${options[@]}" update
  (cd "$apt/debs" && apt_quietly "${options[@]}" download "${unstable_packages[@]}")
  local deb
  for deb in "$apt"/debs/*.deb; do dpkg -x "$deb" "$apt/unpacked"; done
  for package in "${unstable_packages[@]}"; do
    install -m 755 "$apt/unpacked/usr/bin/$package" "$folder/bin/$package"
  done
  rm -rf "$apt"
}

install_from_release
unpack_from_unstable
ceph=$(dirname "$0")/ceph
bash "$ceph/unpack-ceph.sh" trixie 18.2 "$folder/ceph-18.2"
bash "$ceph/unpack-ceph.sh" bookworm 16.2 "$folder/ceph-16.2"
