# Gets the rig's kernel: the host release's own Debian kernel, fetched and unpacked into the cache,
# never installed, and the two modules it lacks, built against its headers. Sourced by run, which
# sets rig_dir and cache and defines say and die. prepare_kernel sets kernel_dir and leaves there
# vmlinux and modules/*.ko. The folder bears the kernel's release, so an update fetches anew.
# shellcheck shell=bash
# shellcheck disable=SC2154  # rig_dir and cache are run's
set -euo pipefail

# apt_field PACKAGE FIELD: that field of the package's candidate version; empty if unknown.
apt_field() {
  apt-cache show --no-all-versions "$1" 2>/dev/null | sed -n "/^$2: /{s///p;q}" || true
}

# The kernel release ("6.1.0-56-amd64") that the metapackage stands for today. Security updates move
# it every few weeks and take the old one off the mirror, hence no default.
look_up_release() {
  apt_field linux-image-amd64 Depends | grep -om1 'linux-image-[^ ,]*' | sed 's/^linux-image-//' \
    || true
}

# fetch PACKAGE [VERSION]: downloads one .deb into the current folder.
fetch() {
  local package=$1 version=${2:-} size options=()
  size=$(apt_field "$package" Size)
  [[ -n $size ]] || die "the package lists do not know $package: run apt-get update and try again"
  # As root, apt would complain that its own user cannot write into this folder.
  [[ $EUID -ne 0 ]] || options=(-o APT::Sandbox::User=root)
  say "fetching $package${version:+ $version} ($(((size + 999999) / 1000000)) MB) ..."
  apt-get "${options[@]}" download -qq "$package${version:+=$version}" >fetch.log 2>&1 \
    || die "cannot fetch $package (see $PWD/fetch.log): run apt-get update and try again"
}

# unpack_vmlinux IMAGE: writes ./vmlinux. The image would unpack itself inside the emulator, which
# takes three seconds of every run. One that is packed in a way not known here is booted as it is.
unpack_vmlinux() {
  local image=$1 magic unpack offset
  while read -r magic unpack; do
    command -v "$unpack" >/dev/null || continue
    offset=$(LC_ALL=C grep -aobPm1 "$magic" "$image" | head -n 1 | cut -d: -f1) || continue
    # What follows the packed kernel in the image is not for the unpacker, which says so.
    tail -c "+$((offset + 1))" "$image" | "$unpack" >vmlinux 2>/dev/null || true
    if [[ $(head -c 4 vmlinux | tail -c 3) == ELF ]]; then return; fi
  done <<'END'
\xfd7zXZ\x00 unxz
\x28\xb5\x2f\xfd unzstd
\x1f\x8b\x08 gunzip
END
  cp "$image" vmlinux
}

# Kernel image and those stock modules the guest needs.
prepare_image() {
  local option
  rm -rf image modules
  mkdir image modules
  cd image
  fetch "linux-image-$release"
  say "unpacking kernel $release ..."
  # A module that is not in there is built in: not an error. Debian 13 has them under usr/.
  dpkg-deb --fsys-tarfile linux-image-*.deb | tar x --wildcards './boot/*' \
    '*/modules/*/fs/configfs/configfs.ko*' '*/modules/*/drivers/spi/spidev.ko*' \
    2>/dev/null || true
  [[ -e boot/config-$release && -e boot/vmlinuz-$release ]] \
    || die "linux-image-$release holds no kernel: $PWD"
  for option in GPIOLIB GPIO_CDEV SPI SPI_SPIDEV CONFIGFS_FS; do
    grep -qE "^CONFIG_$option=[ym]" "boot/config-$release" \
      || die "kernel $release was built without CONFIG_$option and cannot carry the rig"
  done
  unpack_vmlinux "boot/vmlinuz-$release"
  mv vmlinux ..
  find . -name '*.ko*' -exec cp {} ../modules/ \;
  find ../modules -name '*.ko.xz' -exec unxz -f {} +
  cd ..
  rm -rf image
}

# Headers and kbuild, side by side as they would lie under /: their links to one another are
# relative, only an include in a Makefile is absolute.
prepare_headers() {
  local depends common kbuild package
  depends=$(apt_field "linux-headers-$release" Depends)
  common=$(grep -om1 'linux-headers-[^ ,]*-common' <<<"$depends" | head -n 1) || true
  kbuild=$(grep -om1 'linux-kbuild-[^ ,]*' <<<"$depends" | head -n 1) || true
  [[ -n $common && -n $kbuild ]] \
    || die "the package lists do not know linux-headers-$release: run apt-get update and try again"
  rm -rf tree fetched
  mkdir fetched
  cd fetched
  for package in "linux-headers-$release" "$common" "$kbuild"; do
    fetch "$package"
    dpkg-deb -x "$package"_*.deb ../tree
  done
  cd ..
  rm -rf fetched
}

# gpio-sim and irq_sim, as the kernel's own source package has them. gpio-sim.c looks into gpiolib's
# private structures, so the source is of the kernel's own version wherever that can be had.
prepare_source() {
  local package version
  package=linux-source-$(grep -oE '^[0-9]+\.[0-9]+' <<<"$release")
  version=$(apt_field "linux-image-$release" Version)
  apt-cache show "$package=$version" >/dev/null 2>&1 || version=
  rm -rf source fetched
  mkdir source fetched
  cd fetched
  fetch "$package" "$version"
  say "taking gpio-sim out of the kernel's source (some 10 seconds) ..."
  dpkg-deb --fsys-tarfile "$package"_*.deb | tar xO --wildcards '*/linux-source-*.tar.xz' \
    | tar xJ --strip-components=1 --wildcards '*/drivers/gpio/gpio-sim.c' \
      '*/drivers/gpio/gpiolib.h' '*/kernel/irq/irq_sim.c'
  mv drivers/gpio/gpio-sim.c drivers/gpio/gpiolib.h kernel/irq/irq_sim.c ../source/
  cd ..
  rm -rf fetched
}

# Builds gpio-sim.ko and spi-sim.ko; again whenever our own source has changed.
build_modules() {
  local headers=tree/usr/src/linux-headers-$release key compiler cc=()
  key=$(cat "$rig_dir"/module/* "$rig_dir/kernel.sh" | sha256sum)
  [[ $(cat modules/key 2>/dev/null) != "$key" ]] || return 0
  say "building gpio-sim.ko and spi-sim.ko for $release ..."
  rm -rf build
  mkdir build
  cp "$rig_dir"/module/* source/gpiolib.h build/
  cp source/gpio-sim.c build/gpio-sim-main.c
  # irq_to_desc() is not exported to modules; the same thing by two calls that are.
  sed -e '/^EXPORT_SYMBOL/d' \
    -e 's/irq_to_desc(irqnum)/irq_data_to_desc(irq_get_irq_data(irqnum))/' \
    source/irq_sim.c >build/irq_sim.c
  sed -i "s#^include .*/usr/src/#include $PWD/tree/usr/src/#" "$headers/Makefile"
  # The headers name the compiler the kernel was built with; the system's own does as well.
  compiler=$(sed -n 's/^CC .*CROSS_COMPILE)//p' "$headers/.kernelvariables")
  command -v "$compiler" >/dev/null || cc=(CC=gcc)
  # Type information for BPF would need pahole, and nothing here reads it.
  if ! make -C "$headers" M="$PWD/build" CONFIG_DEBUG_INFO_BTF_MODULES= "${cc[@]}" modules \
    >build/log 2>&1; then
    tail -n 20 build/log >&2
    die "cannot build the modules, see $PWD/build/log"
  fi
  strip --strip-debug -o modules/gpio-sim.ko build/gpio-sim.ko
  strip --strip-debug -o modules/spi-sim.ko build/spi-sim.ko
  echo "$key" >modules/key
}

# prepare_kernel [RELEASE]: all of the above, each step once, one run at a time.
prepare_kernel() {
  local step lock
  release=${1:-$(look_up_release)}
  [[ -n $release ]] || die "the package lists do not know linux-image-amd64: run apt-get update"
  kernel_dir=$cache/$release
  mkdir -p "$kernel_dir"
  exec {lock}>"$cache/lock"
  if ! flock -n "$lock"; then
    say "waiting for another run that is preparing the same parts ..."
    flock "$lock"
  fi
  for step in image headers source; do
    [[ ! -e $kernel_dir/$step.done ]] || continue
    (cd "$kernel_dir" && "prepare_$step")
    touch "$kernel_dir/$step.done"
  done
  (cd "$kernel_dir" && build_modules)
  exec {lock}>&-
}
