# The installer's check on real lines: `tapctl selftest` with its kill of tapd, answered by somebody
# who looks at the valve's line from the kernel's side; what `tapctl meter` says of a line; and what
# a technician got wrong in the names of lines and chips.
# shellcheck shell=dash
# shellcheck disable=SC2154  # LINES_DIR, VALVE, TAPD_PID ...: guest/*.sh

ann=04ab7815cd6b80
mkdir -m 700 state
write_config tapd.toml
# Faster pulses are noise; closer edges are bounce.
slow_meter tapd.toml
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 || exit 1
reader_up || exit 1
ctl() { tapctl --socket tapd.sock "$@"; }

# --- the selftest ---------------------------------------------------------------------------------

# asked WORDS: the selftest has said them and waits for a person.
asked() { check_within "it asks: $1" 30 grep -q "$1" selftest.txt; }
# answer_if LEVEL: yes when the valve's line has this level, as the kernel has it.
answer_if() { if line_is "$VALVE" "$1"; then echo y >&3; else echo n >&3; fi; }

# selftest_begins: with a person at the tap, up to the moment when tapd has been killed.
selftest_begins() {
  rm -f answers selftest.txt
  mkfifo answers
  ctl selftest 1 --patience 30 <answers >selftest.txt 2>&1 &
  SELFTEST_PID=$!
  exec 3>answers
  asked "lay any card on it"
  reader card $ann
  asked "take the card away"
  reader remove
  asked "did the valve open?"
  answer_if 1
  asked "is it shut now?"
  answer_if 0
  asked "blow through the line"
  liquid 100000 330 0
  asked "stop"
  liquid_ends
  asked "kill: tapd is killed with the valve open"
  asked "did the valve shut at once"
  tapd_gone
}
# selftest_ends: after the service manager has started tapd anew.
selftest_ends() {
  wait $SELFTEST_PID
  selftest_code=$?
  exec 3>&-
}

tapd_up
selftest_begins
check "the kernel has let the valve's line fall with the kill" "$(line_value "$VALVE")" 0
answer_if 0
tapd_up
selftest_ends
check_contains "a good tap passes every step" "$(cat selftest.txt)" "card 04AB7815CD6B80" \
  "no edge in 3 s" "opened and shut" " edges, clean" "a kill shuts the valve" \
  "it answers, and the valve is shut" "7 steps, 0 failed"
check "and the selftest says so to whoever called it" $selftest_code 0
check_within "the tap is open to guests again" 5 state_is idle
check "its valve is shut" "$(line_value "$VALVE")" 0

# Wired so that the pin alone opens the valve: a pull-up at the driver in the place of a pull-down.
tapd_down
tapd_up
pull "$VALVE" up
selftest_begins
check "with a pull towards open a kill opens the valve" "$(line_value "$VALVE")" 1
answer_if 0
tapd_up
selftest_ends
check_contains "the selftest finds that, and says what to do" "$(cat selftest.txt)" \
  "a killed tapd leaves the valve open" "pull-down" "7 steps, 1 failed"
check "and fails" $selftest_code 1
check "the tapd that came back has shut the valve" "$(line_value "$VALVE")" 0
tapd_down
check_contains "both kills are in the audit log" \
  "$(sql "SELECT count(*) FROM audit_log WHERE action = 'selftest_kill'")" 2
check_contains "what the person blew through is nobody's debt" \
  "$(sql "SELECT count(*) FROM pours WHERE price_cents > 0")" 0

# --- what tapctl meter says -----------------------------------------------------------------------

tapd_up
# verdict: of the next two seconds.
verdict() { ctl meter 1 --seconds 2 | sed -n 's/^verdict: \([a-z]*\):.*/\1/p'; }
# turning OPTION...: the valve is open for staff and the meter's line gives what pulse_source makes.
turning() {
  ctl valve open 1 --seconds 4 >valve.txt 2>&1 &
  valve_pid=$!
  check_within "the valve is open for staff" 5 line_is "$VALVE" 1
  pulse_source --meter "$LINES_DIR/sim_gpio$METER" --valve "$LINES_DIR/sim_gpio$VALVE" \
    --count 100000 "$@" >pulses.txt 2>&1 &
  LIQUID_PID=$!
  usleep 300000
}
turning_ends() {
  wait $valve_pid
  check "the valve is shut again" "$(line_value "$VALVE")" 0
  liquid_ends
  check_within "and the tap idle" 15 state_is idle
}
check "a line on which nothing comes is silent" "$(verdict)" silent
turning --rate 330
check "an impeller that turns is clean" "$(verdict)" clean
turning_ends
turning --rate 100 --bounce 5
check "one whose contact bounces says so" "$(verdict)" bounce
turning_ends
pulse_source --meter "$LINES_DIR/sim_gpio$METER" --count 60 --rate 20 >/dev/null &
check "edges through a shut valve are noise" "$(verdict)" noise
wait $!
turning --rate 2000 --steady 1
check "more than the meter can make is noise" "$(verdict)" noise
turning_ends
tapd_down

# --- wrong names ----------------------------------------------------------------------------------

# refused TEXT CODE PART...: tapd does not start on wrong.toml, says every part; the valve is shut.
refused() {
  local text=$1 code=$2
  shift 2
  timeout 20 tapd --config wrong.toml >refusal.txt 2>&1
  check "$text: tapd does not start" "$?" "$code"
  check_contains "$text: it is said plainly" "$(cat refusal.txt)" "$@"
  check "$text: the valve is shut" "$(line_value "$VALVE")" 0
}
sed "s/^line = \"GPIO$VALVE\"/&\nchip = \"pinctrl-rp1\"/" tapd.toml >wrong.toml
refused "the label of another board's chip" 1 "tap 1, valve" pinctrl-rp1 pinctrl-bcm2711
sed "s/^line = \"GPIO$VALVE\"/line = \"GPIO$METER\"\nchip = \"pinctrl-bcm2711\"/" tapd.toml \
  >wrong.toml
refused "two users of one pin, one of them with its chip" 78 \
  "line GPIO$METER of pinctrl-bcm2711 is used twice" \
  "as the meter of tap 1 and as the valve of tap 1"

check "the database is sound" "$(sql "PRAGMA integrity_check")" ok
reader_down
