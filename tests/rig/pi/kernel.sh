# Gets the emulated Pi's kernel: Debian 13's own for arm64 with its SPI driver and the boards'
# device trees, and a busybox for that machine, fetched with an apt of their own and unpacked into
# the cache, nothing installed.
# Sourced by run, which sets cache and defines say and die. prepare_pi sets pi_dir and leaves there
# Image, busybox, spi-bcm2835.ko, and boards/ with the device trees.
# shellcheck shell=bash source-path=SCRIPTDIR
# shellcheck disable=SC2154  # cache is run's
set -euo pipefail

# shellcheck source=../../../cross/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/../../../cross/apt.sh"

fetch_pi() {
  local kernel mirror
  mirror=$(debian_mirror '')
  [[ -n $mirror ]] || die "apt knows no Debian mirror here: run apt-get update"
  own_apt "$PWD/apt" arm64 trixie "$mirror"
  export APT_CONFIG=$PWD/apt/apt.conf
  apt-get update >fetch.log 2>&1 || die "cannot read the arm64 lists, see $PWD/fetch.log"
  # Nobody stops reading early: apt-cache would die of the closed pipe, and that ends the script.
  kernel=$(apt-cache show --no-all-versions linux-image-arm64 | sed -n 's/^Depends: //p' |
    grep -o 'linux-image-[^ ,]*' | sed -n 1p)
  say "fetching $kernel for arm64 (about 100 MB) ..."
  apt-get download -qq "$kernel" busybox-static >>fetch.log 2>&1 \
    || die "cannot fetch $kernel, see $PWD/fetch.log"
  unset APT_CONFIG
}

prepare_pi() {
  pi_dir=$cache/pi
  [[ ! -e $pi_dir/ready-2 ]] || return 0
  rm -rf "$pi_dir"
  mkdir -p "$pi_dir"
  (
    cd "$pi_dir"
    fetch_pi
    say "unpacking ..."
    dpkg-deb --fsys-tarfile linux-image-*.deb | tar x --wildcards './boot/vmlinuz-*' \
      './boot/config-*' '*/broadcom/bcm*-rpi-*.dtb' '*/drivers/spi/spi-bcm2835.ko.xz'
    dpkg-deb --fsys-tarfile busybox-static*.deb | tar x --wildcards '*bin/busybox'
    mv boot/vmlinuz-* Image
    mv boot/config-* config
    mkdir boards
    find usr -name '*.dtb' -exec mv {} boards/ \;
    find . -name spi-bcm2835.ko.xz -exec xz -dc {} \; >spi-bcm2835.ko
    find . -path ./apt -prune -o -name busybox -type f -exec mv {} ./busybox \;
    rm -rf apt boot usr bin ./*.deb
    [[ -s Image && -s busybox && -s spi-bcm2835.ko && -s boards/bcm2837-rpi-3-b.dtb ]] ||
      die "$PWD lacks a part of the Pi"
    : >ready-2
  )
}
