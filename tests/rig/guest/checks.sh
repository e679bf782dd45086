# Verdicts of a job in the emulated machine. One line each: "ok   - ..." or "FAIL - ..."; the host
# counts them. Sourced by init before any job.
# shellcheck shell=dash

ok() { echo "ok   - $1"; }
fail() { echo "FAIL - $1"; }

# check TEXT ACTUAL EXPECTED
check() {
  if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: expected '$3', found '$2'"; fi
}

# check_contains TEXT ACTUAL PART...: every part occurs in the text found.
check_contains() {
  local text=$1 actual=$2 part
  shift 2
  for part in "$@"; do
    case $actual in
      *"$part"*) ;;
      *)
        fail "$text: '$part' is not in '$(echo "$actual" | tr '\n' ' ' | cut -c 1-300)'"
        return
        ;;
    esac
  done
  ok "$text"
}

# within SECONDS COMMAND...: true as soon as the command is, false when the time is up. They are the
# machine's own seconds, which pass quickly on the host while nothing happens.
within() {
  local tries=$(($1 * 20))
  shift
  while [ $tries -gt 0 ]; do
    if "$@" >/dev/null 2>&1; then return 0; fi
    usleep 50000
    tries=$((tries - 1))
  done
  return 1
}

# check_within TEXT SECONDS COMMAND...
check_within() {
  local text=$1 seconds=$2
  shift 2
  if within "$seconds" "$@"; then ok "$text"; else fail "$text: not within $seconds s"; fi
}
