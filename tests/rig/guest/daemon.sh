# tapd as a job starts, asks and kills it, and the jobs' one tap: meter on GPIO17, valve on GPIO22,
# reader on /dev/spidev0.0. Sourced by init before any job; works in the job's own folder.
# shellcheck shell=dash
# shellcheck disable=SC2154  # LINES_DIR, RIG: guest/machine.sh and init

METER=17
VALVE=22
PULSES_PER_LITRE=5400 # a Swissflow SF800
# shellcheck disable=SC2034  # for the jobs
CENTS_PER_LITRE=1290

# write_config FILE [METER_LINE [READER_DEVICE]]
write_config() {
  cat >"$1" <<END
[controller]
id = "rig"
state_dir = "$PWD/state"
socket = "$PWD/tapd.sock"
log_level = "debug"

[[tap]]
id = 1
[tap.meter]
line = "${2:-GPIO$METER}"
pulses_per_litre = $PULSES_PER_LITRE
[tap.valve]
line = "GPIO$VALVE"
[tap.reader]
device = "${3:-/dev/spidev0.0}"
END
}

# slow_meter FILE: with the meter of a tap that this machine can outdo by far.
slow_meter() { sed -i "s/^pulses_per_litre.*/&\nmax_hz = 600/" "$1"; }

# tapd_up: starts it on tapd.toml and waits until it says that it is ready; without that there is
# nothing to check, and the job ends. Its journal is tapd.log; earlier ones are tapd.log.1, .2 ...
tapd_up() {
  local run=1
  while [ -e "tapd.log.$run" ]; do run=$((run + 1)); done
  [ ! -e tapd.log ] || mv tapd.log "tapd.log.$run"
  tapd --config tapd.toml >tapd.log 2>&1 &
  TAPD_PID=$!
  within 20 grep -q "ready:" tapd.log && return
  fail "tapd becomes ready: $(tail -n 3 tapd.log)"
  exit 1
}
# tapd_signal NAME
tapd_signal() { kill "-$1" "$TAPD_PID"; }
# tapd_gone: waits for its end; the exit code.
tapd_gone() { wait "$TAPD_PID" 2>/dev/null; }
tapd_down() {
  tapd_signal TERM
  tapd_gone
}

# cpu_ticks: of the processor that tapd has used, a hundred to a second, proc(5).
cpu_ticks() { awk '{ print $14 + $15 }' "/proc/$TAPD_PID/stat"; }

# What a guest would see: the state's name, for state_is with within.
tap_state() { tapctl --socket tapd.sock status | awk '$1 == "tap" && $2 == 1 { print $3 }'; }
state_is() { [ "$(tap_state)" = "$1" ]; }

# The ledger belongs to one connection: only while no tapd runs. sql QUERY: rows with '|' between.
sql() { sqlite3 -readonly state/tapd.db "$1"; }
# newest COLUMN,...: of the pour written last.
newest() { sql "SELECT $1 FROM pours ORDER BY pour_seq DESC LIMIT 1"; }

# liquid COUNT RATE TAIL: beer that runs while the valve is open; pulses.txt says how much it was.
liquid() {
  rm -f pulses.txt
  pulse_source --meter "$LINES_DIR/sim_gpio$METER" --valve "$LINES_DIR/sim_gpio$VALVE" \
    --count "$1" --rate "$2" --tail "$3" >pulses.txt 2>&1 &
  LIQUID_PID=$!
}
# liquid_ends: waits until nothing runs any more.
liquid_ends() { wait "$LIQUID_PID"; }
# poured: the pulses that went through the meter, tail included.
poured() { sed -n 's/^pulses \([0-9]*\) .*/\1/p' pulses.txt; }
# to_microlitres PULSES
to_microlitres() { echo $(($1 * 1000000 / PULSES_PER_LITRE)); }

# check_between TEXT VALUE LEAST MOST
check_between() {
  if [ -n "$2" ] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ]; then
    ok "$1 ($2)"
  else
    fail "$1: expected $3 to $4, found '$2'"
  fi
}
