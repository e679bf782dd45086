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

# shellcheck disable=SC1091  # present on every Debian
. /etc/os-release
case "${VERSION_CODENAME:-}" in
  bookworm | trixie) ;;
  *) echo "setup: made for Debian 12 and 13; on ${PRETTY_NAME:-this system} install by hand what" \
    "is listed in ${lists[*]}" >&2 ;;
esac

missing=()
while read -r package least _; do
  case "$package" in '' | '#'*) continue ;; esac
  version=$(dpkg-query -W -f='${db:Status-Status} ${Version}\n' "$package" 2>/dev/null |
    sed -n 's/^installed //p' | head -n 1)
  if [ -z "$version" ] ||
    { [ -n "${least:-}" ] && dpkg --compare-versions "$version" lt "$least"; }; then
    missing+=("$package")
  fi
done < <(cat "${lists[@]}")
[ ${#missing[@]} -gt 0 ] || exit 0

echo "setup: to be installed: ${missing[*]}"
as_root=()
if [ "$(id -u)" != 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "setup: that needs root, and there is no sudo. As root, run: $here/setup.sh ${lists[*]}" >&2
    exit 1
  fi
  echo "setup: sudo is used for apt-get only"
  as_root=(sudo)
fi

write_as_root() { "${as_root[@]}" tee "$1" >/dev/null; }

use_backports() {
  local suite=bookworm-backports uri
  if ! apt-get indextargets --format '$(RELEASE)' 'Created-By: Packages' | grep -qx "$suite"; then
    # Whatever the format of the sources files is, this is the mirror in use.
    uri=$(apt-get indextargets --format '$(RELEASE) $(COMPONENT) $(REPO_URI)' \
      'Created-By: Packages' | awk '$1 == "bookworm" && $2 == "main" { print $3; exit }')
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
  fi
  write_as_root "/etc/apt/preferences.d/$suite-tapd" <<EOF
Package: src:libgpiod src:catch2
Pin: release n=$suite
Pin-Priority: 500
EOF
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  "$@" >"$log" 2>&1 || {
    echo "setup: failed: $*" >&2
    tail -n 30 "$log" >&2
    exit 1
  }
}

if [ "${VERSION_CODENAME:-}" = bookworm ]; then use_backports; fi
export DEBIAN_FRONTEND=noninteractive
echo "setup: reading the package lists ..."
quietly "${as_root[@]}" apt-get update
echo "setup: installing ${#missing[@]} packages and what they need (a minute or two) ..."
quietly "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes \
  --no-install-recommends "${missing[@]}"
echo "setup: done"
