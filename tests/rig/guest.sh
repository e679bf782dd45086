# Packs the emulated machine's root file system and boots it. Sourced by run, which sets rig_dir,
# kernel_dir, work and release and defines say and die.
# shellcheck shell=bash
# shellcheck disable=SC2154  # these are run's
set -euo pipefail

# Emulated, not virtualised, with one CPU: two would merge edges in gpio-sim, and /dev/kvm is not to
# be counted on. Time is the machine's own, so many instructions a nanosecond: it comes to the same
# edges and delays on every host however busy, and sleeping in the guest costs nothing.
machine=(-M q35 -accel tcg -cpu max -smp 1 -m 1024 -nodefaults -display none -no-reboot)
own_time=(-icount "shift=0,sleep=off" -rtc clock=vm)

# add_program SOURCE NAME: a program as /bin/NAME, with every library it is linked with.
add_program() {
  local library
  install -D -m 755 "$1" "$root/bin/$2"
  while read -r library; do
    [[ -e $root$library ]] || install -D -m 755 "$library" "$root$library"
  done < <(ldd "$1" | grep -o '/[^ ]*' || true)
}

# pack_guest PROGRAM...: $work/guest.cpio. A program is a path, or path=name.
pack_guest() {
  local program
  root=$work/root
  mkdir -p "$root/bin" "$root/rig/modules"
  install -m 755 "$(command -v busybox)" "$root/bin/busybox"
  if ldd "$root/bin/busybox" >/dev/null 2>&1; then
    die "busybox is linked with libraries, the guest needs the static one: install busybox-static"
  fi
  install -m 755 "$rig_dir/guest/init" "$root/init"
  cp -r "$rig_dir"/guest/*.sh "$rig_dir/jobs" "$root/rig/"
  cp "$kernel_dir"/modules/*.ko "$root/rig/modules/"
  for program in "$@"; do
    add_program "${program%%=*}" "$(basename "${program##*=}")"
  done
  (cd "$root" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/guest.cpio"
  rm -rf "$root"
}

# boot_guest COMMAND_LINE WRAPPER... -- QEMU_OPTION...: becomes the emulator, inside the wrapper.
boot_guest() {
  local words=$1 wrapper=()
  shift
  while [[ $1 != -- ]]; do wrapper+=("$1") && shift; done
  shift
  exec "${wrapper[@]}" qemu-system-x86_64 "${machine[@]}" -kernel "$kernel_dir/vmlinux" \
    -initrd "$work/guest.cpio" -append "console=ttyS0 quiet loglevel=4 panic=-1 $words" "$@"
}

# Follows the guest's console on standard input: verdicts and headings are printed as they come,
# all of it goes into console.log. Sets passed, failed and ended.
follow_console() {
  local line
  passed=0 failed=0 ended=no
  : >"$work/console.log"
  while IFS= read -r line; do
    line=${line%$'\r'}
    printf '%s\n' "$line" >>"$work/console.log"
    case $line in
      "ok   - "*) passed=$((passed + 1)) ;;
      "FAIL - "*) failed=$((failed + 1)) ;;
      "== end") ended=yes && continue ;;
      "== "*) ;;
      *) continue ;;
    esac
    printf '%s\n' "$line"
  done
}

# run_jobs JOB,... SECONDS: boots, follows, and unpacks what the guest left into $work/rig. The
# emulator is ended after so many seconds, however it feels.
run_jobs() {
  local console=$work/console rc=0
  mkfifo "$console"
  boot_guest "rig.jobs=$1" timeout --kill-after=5 "$2" -- "${own_time[@]}" -serial stdio \
    -serial "file:$work/rig.tar.gz" </dev/null >"$console" 2>"$work/qemu.log" &
  emulator=$!
  follow_console <"$console"
  wait "$emulator" || rc=$?
  emulator=
  rm "$console"
  tar xzf "$work/rig.tar.gz" -C "$work" 2>/dev/null || true
  [[ $ended == no ]] || return 0
  failed=$((failed + 1))
  if [[ $rc == 124 ]]; then
    echo "FAIL - the machine came to its end within $2 s (--timeout)"
  else
    echo "FAIL - the machine came to its end (the emulator's exit code was $rc)"
  fi
  tail -n 5 "$work/console.log" "$work/qemu.log" >&2 || true
}
