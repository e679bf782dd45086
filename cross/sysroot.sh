#!/usr/bin/env bash
# shellcheck source-path=SCRIPTDIR
# Unpacks the headers and libraries of Debian 13 for a Raspberry Pi, which a cross build links with.
#
#   cross/sysroot.sh arm64|armhf FOLDER
#
# Needs apt, dpkg and tar; no root, no emulator, no foreign architecture on this machine. No script
# of any package runs. The mirror is the one this machine uses. An unchanged list of packages is not
# fetched again.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
arch=${1:-} folder=${2:-} suite=trixie
case "$arch" in
  arm64 | armhf) ;;
  *)
    echo "usage: cross/sysroot.sh arm64|armhf FOLDER" >&2
    exit 2
    ;;
esac
[ -n "$folder" ] || {
  echo "usage: cross/sysroot.sh $arch FOLDER" >&2
  exit 2
}

mapfile -t packages < <(sed -E 's/[[:space:]]*#.*//; /^$/d' "$here/packages/sysroot")
key=$(cat "$here/packages/sysroot" "$here/apt.sh" "${BASH_SOURCE[0]}" | sha256sum)
if [ "$(cat "$folder/key" 2>/dev/null)" = "$key" ]; then exit 0; fi

# shellcheck source=apt.sh
. "$here/apt.sh"
mirror=$(debian_mirror '')
[ -n "$mirror" ] || {
  echo "sysroot: apt knows no Debian mirror here; run apt-get update and try again" >&2
  exit 1
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fetch_packages() {
  export APT_CONFIG="$work/apt.conf"
  if apt-get update >"$work/log" 2>&1 &&
    apt-get install --yes --download-only "${packages[@]}" >>"$work/log" 2>&1; then
    return
  fi
  echo "sysroot: the packages of $suite for $arch cannot be fetched:" >&2
  tail -n 15 "$work/log" >&2
  exit 1
}

# What a compiler and a linker read; nothing else.
unpack() {
  dpkg-deb --fsys-tarfile "$1" | tar -x -C "$folder" --keep-directory-symlink --wildcards \
    --no-same-owner --exclude='./usr/share/doc*' --exclude='./usr/share/man*' \
    --exclude='./usr/share/locale*' --exclude='./etc*' --exclude='./var*' \
    --exclude='./usr/bin*' --exclude='./usr/sbin*' --exclude='*.py'
}

# A database for dpkg-shlibdeps: which package has which library, and since which version.
note_libraries() {
  local deb=$1 database=$folder/var/lib/dpkg name file
  dpkg-deb --ctrl-tarfile "$deb" | tar -t | grep -E '^\./(symbols|shlibs)$' >/dev/null || return 0
  name=$(dpkg-deb -f "$deb" Package)
  {
    dpkg-deb -f "$deb" Package Version Architecture Multi-Arch Maintainer Description |
      sed '/^Package:/a Status: install ok installed'
    echo
  } >>"$database/status"
  [ "$(dpkg-deb -f "$deb" Multi-Arch)" != same ] || name=$name:$arch
  for file in symbols shlibs; do
    dpkg-deb --ctrl-tarfile "$deb" | tar -xO "./$file" >"$database/info/$name.$file" 2>/dev/null ||
      rm -f "$database/info/$name.$file"
  done
  # With the sysroot in front, because dpkg-shlibdeps asks for the file that it found.
  dpkg-deb --fsys-tarfile "$deb" | tar -t | sed -n "s|^\./\(.*[^/]\)\$|$folder/\1|p" \
    >"$database/info/$name.list"
}

# A link with an absolute target would lead out of the sysroot.
keep_links_inside() {
  local link
  find "$folder" -type l -lname '/*' | while read -r link; do
    ln -snf "$(realpath -m --relative-to="$(dirname "$link")" "$folder$(readlink "$link")")" \
      "$link"
  done
}

echo "sysroot: fetching and unpacking the libraries of $suite for $arch (about 60 MB) ..."
start=$SECONDS
own_apt "$work" "$arch" "$suite" "$mirror"
fetch_packages
rm -rf "$folder"
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
mkdir -p "$folder"/usr/{lib,bin,sbin} "$folder"/var/lib/dpkg/{info,updates}
ln -s usr/lib "$folder/lib" # as on the board: libc.so names files below /lib
echo "$arch" >"$folder/var/lib/dpkg/arch"
echo 1 >"$folder/var/lib/dpkg/info/format"
: >"$folder/var/lib/dpkg/status"
for deb in "$work"/debs/*.deb; do
  unpack "$deb"
  note_libraries "$deb"
done
keep_links_inside
echo "$key" >"$folder/key"
echo "sysroot: $(find "$work/debs" -name '*.deb' | wc -l) packages," \
  "$(du -sm "$folder" | cut -f1) MB, $((SECONDS - start)) s"
