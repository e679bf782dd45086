# shellcheck shell=bash
# Sourced by base and make, which run programs of the image: the kernel is told who runs arm64
# programs. On a machine that runs systemd, installing qemu-user-static has done that for good;
# elsewhere it is done by root for as long as it is needed. `die` comes from who sources this.
binfmt=/proc/sys/fs/binfmt_misc
known_here=no

know_arm64() {
  mountpoint -q $binfmt || mount -t binfmt_misc none $binfmt 2>/dev/null || true
  ! grep -qs enabled $binfmt/qemu-aarch64 $binfmt/tapd-aarch64 || return 0
  [ "$(id -u)" = 0 ] || die "arm64 programs do not run here: install qemu-user-static, or be root"
  local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
  local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
  printf '%s' ":tapd-aarch64:M::$magic:$mask:/usr/bin/qemu-aarch64-static:OCF" \
    >$binfmt/register || die "the kernel does not take qemu-aarch64-static as an interpreter"
  known_here=yes
}

forget_arm64() { [ "$known_here" = no ] || echo -1 >$binfmt/tapd-aarch64; }
