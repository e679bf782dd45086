#!/usr/bin/env bash
# Installs what building and testing tapd needs, on Debian 12 or 13. Says what it does, does nothing
# when nothing is missing, and asks for root only to install.
#
#   cross/setup.sh [LIST ...]     LIST: files like cross/packages/build (default: build and test)
#
# On Debian 12 libgpiod and Catch2 are too old; exactly these two come from bookworm-backports, by a
# pin on their source packages. No mirror is named: the one the machine uses is asked for.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lists=("$@")
[ ${#lists[@]} -gt 0 ] || lists=("$here/packages/build" "$here/packages/test")

command -v apt-get >/dev/null || {
  echo "setup: no apt-get here; tapd is built on Debian 12 or 13. It needs: ${lists[*]}" >&2
  exit 1
}
# shellcheck disable=SC1091  # present on every Debian
. /etc/os-release

# Prints the packages of the lists that are missing or too old: one question to dpkg for them all.
find_missing() {
  local wanted package least version
  declare -A installed=()
  mapfile -t wanted < <(sed -E 's/[[:space:]]*#.*//; /^$/d' "${lists[@]}")
  while read -r package version; do
    installed[$package]=$version
  done < <(dpkg-query -W -f='${db:Status-Status} ${Package} ${Version}\n' "${wanted[@]%% *}" \
    2>/dev/null | sed -n 's/^installed //p')
  for package in "${wanted[@]}"; do
    read -r package least <<<"$package"
    version=${installed[$package]:-}
    if [ -z "$version" ] ||
      { [ -n "$least" ] && dpkg --compare-versions "$version" lt "$least"; }; then
      echo "$package"
    fi
  done
}

mapfile -t missing < <(find_missing)
[ ${#missing[@]} -gt 0 ] || exit 0

case "${VERSION_CODENAME:-}" in
  bookworm | trixie) ;;
  *) echo "setup: made for Debian 12 and 13; ${PRETTY_NAME:-this system} may lack some of these" ;;
esac
echo "setup: to be installed: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    printf 'setup: that needs root, and there is no sudo. As root, run:\n ' >&2
    printf ' %q' "$here/setup.sh" "${lists[@]}" >&2
    echo >&2
    exit 1
  fi
  echo "setup: sudo is used for apt only"
  as_root=(sudo)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  "$@" >"$log" 2>&1 </dev/null || {
    echo "setup: failed: $*" >&2
    tail -n 30 "$log" >&2
    exit 1
  }
}

write_as_root() { "${as_root[@]}" tee "$1" >/dev/null; }

# Every index that apt is configured for, whatever the format of its sources files. Empty before the
# first apt-get update.
indexes() {
  # shellcheck disable=SC2016  # apt's own variables
  apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages'
}

use_backports() {
  local suite=bookworm-backports uri
  if [ -z "$(indexes | awk -v suite=$suite '$1 == suite')" ]; then
    uri=$(indexes | awk '$1 == "bookworm" && $2 == "main" && !found { print $3; found = 1 }')
    [ -n "$uri" ] || {
      echo "setup: no source for bookworm main is configured" >&2
      exit 1
    }
    echo "setup: adding $suite, for libgpiod and Catch2 only"
    write_as_root "/etc/apt/sources.list.d/$suite.sources" <<EOF
Types: deb
URIs: $uri
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
EOF
    quietly "${as_root[@]}" apt-get update
  fi
  write_as_root "/etc/apt/preferences.d/$suite-tapd" <<EOF
Package: src:libgpiod src:catch2
Pin: release n=$suite
Pin-Priority: 500
EOF
}

start=$SECONDS
echo "setup: reading the package lists ..."
quietly "${as_root[@]}" apt-get update
if [ "${VERSION_CODENAME:-}" = bookworm ]; then use_backports; fi
echo "setup: installing ${#missing[@]} packages and what they need (some minutes at most) ..."
quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes \
  --no-install-recommends "${missing[@]}"

mapfile -t missing < <(find_missing)
if [ ${#missing[@]} -gt 0 ]; then
  echo "setup: apt has installed, but these are still missing or too old: ${missing[*]}" >&2
  exit 1
fi
echo "setup: done in $((SECONDS - start)) s"
