#!/bin/bash
# Unpacks Ceph of one Debian suite, with everything that it needs, into a root folder of its own that chroot can enter.
# No package of the system is touched, nothing is started, and no script of a package runs.
# As root; the mirror is the one that the system's own apt sources name.
# Usage: test/support/ceph/unpack-ceph.sh SUITE VERSION FOLDER
#   SUITE    trixie has Ceph 18.2, bookworm has 16.2
#   VERSION  the beginning of the version that must come out, such as 18.2
set -euo pipefail

suite=$1 version=$2 folder=$3
packages=(ceph-mon ceph-osd radosgw ceph-common base-files)

has_version() {
  chroot "$folder" radosgw --version 2>/dev/null | grep -q "^ceph version ${version//./\\.}\\."
}

if has_version; then exit 0; fi
[ "$(id -u)" -eq 0 ] || { echo "unpack-ceph: must be run as root" >&2; exit 1; }
echo "unpack-ceph: unpacking Ceph $version of $suite into $folder"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# apt downloads as its own user, who must be able to enter and write here.
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
chmod -R 777 "$work"

IFS='|' read -r uri signed_by < <(
  apt-get indextargets --format '$(REPO_URI)|$(SIGNED_BY)|$(RELEASE)' 'Created-By: Packages' 'Component: main' |
    awk -F'|' '$3 !~ /-/ { print $1 "|" $2; exit }'
)
[ -n "$uri" ] || { echo "unpack-ceph: no main archive in the system's apt sources" >&2; exit 1; }
# An apt that does not know the field gives it back as it was written.
case $signed_by in '' | '$('*) signed_by=/usr/share/keyrings/debian-archive-keyring.gpg ;; esac
echo "deb [signed-by=$signed_by] $uri $suite main" >"$work/sources.list"
# Nothing counts as installed, so that all of a package's dependencies are downloaded, down to the C library.
: >"$work/status"

apt_quietly() {
  apt-get -q -y -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Install-Recommends=false \
    -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false \
    -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
    -o "Dir::State::lists=$work/lists" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache" \
    -o Debug::NoLocking=true "$@" </dev/null >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    echo "unpack-ceph: apt-get $* failed" >&2
    return 1
  }
}
apt_quietly update
apt_quietly install --download-only "${packages[@]}"

# Built beside its place and moved there when it is whole, so that a half-made root is never taken for one.
root=$folder.new
rm -rf "$root"
mkdir -p "$root"/{usr/bin,usr/sbin,usr/lib,usr/lib64,dev,etc,proc,run,srv,tmp,var/lib}
chmod 1777 "$root/tmp"
# Packages bring files for /bin and /lib and rely on these being links.
for merged in bin sbin lib lib64; do ln -s "usr/$merged" "$root/$merged"; done
for package in "$work"/cache/archives/*.deb; do
  dpkg-deb --fsys-tarfile "$package" |
    tar -x -C "$root" --keep-directory-symlink --no-same-owner \
      --exclude=./usr/share/doc --exclude=./usr/share/man --exclude=./usr/share/locale --exclude=./usr/share/i18n
done
printf 'root:x:0:0:root:/:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\n' >"$root/etc/group"
printf '127.0.0.1 localhost\n' >"$root/etc/hosts"
mknod -m 666 "$root/dev/null" c 1 3
mknod -m 666 "$root/dev/random" c 1 8
mknod -m 666 "$root/dev/urandom" c 1 9
rm -rf "$folder"
mv "$root" "$folder"
has_version || {
  echo "unpack-ceph: expected Ceph $version of $suite, found: $(chroot "$folder" radosgw --version 2>&1)" >&2
  exit 1
}
