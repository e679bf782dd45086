#!/usr/bin/env bash
# What Prometheus itself says of docs/monitoring/alerts.yml: that the rules are rules, and that they
# find what alerts_test.yml plays to them. Its promtool is taken from the machine or, once, out of
# Debian's package, unpacked into the cache: installed, the package would start a server here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly cannot_be_had=77 # ctest counts it as skipped, and ./dev test says so
cache=${TAPD_CACHE:-$HOME/.cache/tapd}/promtool
promtool=$(command -v promtool || echo "$cache/usr/bin/promtool")

fetch() {
  local fetched options=()
  fetched=$(mktemp -d)
  # shellcheck disable=SC2064  # this one's folder, and now
  trap "rm -rf '$fetched'" EXIT
  # As root, apt would complain that its own user cannot write into this folder.
  [[ $EUID -ne 0 ]] || options=(-o APT::Sandbox::User=root)
  cd "$fetched"
  apt-get "${options[@]}" download -qq prometheus || return 1
  mkdir tree
  dpkg-deb --fsys-tarfile prometheus_*.deb | tar x -C tree ./usr/bin/promtool || return 1
  cd - >/dev/null
  rm -rf "$cache"
  mkdir -p "$(dirname "$cache")"
  mv "$fetched/tree" "$cache"
}

if [[ ! -x $promtool ]] && ! fetch; then
  echo "promtool (Debian: prometheus) is not here and cannot be fetched: run apt-get update" >&2
  exit "$cannot_be_had"
fi
"$promtool" check rules ../../docs/monitoring/alerts.yml
"$promtool" test rules alerts_test.yml

# No rule that nothing plays to.
status=0
while read -r alert; do
  if ! grep -A 2 "alertname: $alert\$" alerts_test.yml | grep -q exp_labels; then
    echo "alerts_test.yml never sees $alert fire" >&2
    status=1
  fi
done < <(sed -n 's/^ *- alert: //p' ../../docs/monitoring/alerts.yml)
exit "$status"
