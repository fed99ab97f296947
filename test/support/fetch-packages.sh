#!/bin/bash
# Fetches the real content that test images are made of, into FOLDER:
#   FOLDER/<architecture>/*.deb   two small Debian packages for each of three architectures
#   FOLDER/big/*.deb              packages that unpack to a layer of nearly 300 MiB
#   FOLDER/npm/*.tgz              npm tarballs, the smallest of 1 KiB or so
# The mirrors are the ones that the system's apt and npm are set up with.
set -euo pipefail

folder=$1
apt=$(mktemp -d)
trap 'rm -rf "$apt"' EXIT
mkdir -p "$folder/npm" "$folder/big"
# apt downloads as its own user, who must be able to enter and write here.
chmod 777 "$folder" "$folder/big" "$apt"

source_line() {
  apt-get indextargets --format '$(REPO_URI)|$(SIGNED_BY)|$(RELEASE)' 'Created-By: Packages' 'Component: main' |
    awk -F'|' -v arch="$1" '$3 !~ /-/ {
      signed = $2 ~ /^\// ? $2 : "/usr/share/keyrings/debian-archive-keyring.gpg"
      print "deb [arch=" arch " signed-by=" signed "] " $1 " " $3 " main"; exit }'
}

for architecture in amd64 arm64 s390x; do
  private="$apt/$architecture"
  mkdir -p "$private/lists/partial" "$private/cache/archives/partial" "$folder/$architecture"
  chmod -R 777 "$private" "$folder/$architecture"
  source_line "$architecture" >"$private/sources.list"
  [ -s "$private/sources.list" ] || { echo "fetch-packages: no main archive in the system's apt sources" >&2; exit 1; }
  options=(
    -q -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture"
    -o "Dir::Etc::sourcelist=$private/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$private/lists" -o "Dir::Cache=$private/cache" -o Dir::State::status=/dev/null
    -o Acquire::Languages=none -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false
  )
  apt-get "${options[@]}" update >&2
  (cd "$folder/$architecture" && apt-get "${options[@]}" download busybox-static libc6 >&2)
  if [ "$architecture" = amd64 ]; then
    (cd "$folder/big" && apt-get "${options[@]}" download wesnoth-1.16-music hedgewars-data >&2)
  fi
done

npm pack --silent --pack-destination "$folder/npm" isarray@2.0.5 yaml@2.8.0 typescript@5.8.3 >&2
