# The meter's line at its worst: a floating input that storms, a leak, and what only seeps. The
# valve is shut all the time but for the one pour that shows that the tap sells afterwards.
# shellcheck shell=dash
# shellcheck disable=SC2154  # LINES_DIR, VALVE, TAPD_PID ...: guest/*.sh

ann=04ab7815cd6b80
mkdir -m 700 state
write_config tapd.toml
slow_meter tapd.toml
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 || exit 1
reader_up || exit 1

# stray COUNT RATE: pulses that no valve lets through, from now on; STRAY_PID is their source.
stray() {
  pulse_source --meter "$LINES_DIR/sim_gpio$METER" --count "$1" --rate "$2" --steady 1 \
    >stray.txt 2>&1 &
  STRAY_PID=$!
}
# lost: what the books say of liquid that no guest has had.
lost() { sql "SELECT event_status, reason, volume_ml FROM flow_events ORDER BY event_seq"; }
clear_tap() { tapctl --socket tapd.sock clear 1 2>&1; }

# --- a floating input -----------------------------------------------------------------------------

# 50 kHz, or as many as this machine can make: it does not hurry for anybody.
tapd_up
stray 1000000 50000
check_within "a meter's line that storms puts the tap out of order" 5 state_is faulted
check_contains "and the journal says where to look" "$(cat tapd.log)" \
  "more pulses than this meter can make"
before=$(cpu_ticks)
uptime_before=$(cut -d . -f 1 /proc/uptime)
sleep 1
check_between "the storm goes on, and costs tapd nothing any more: ticks of 100" \
  $(($(cpu_ticks) - before)) 0 25
check "tapctl answers" "$(tap_state)" faulted
check_between "at once: seconds that all this took" \
  $(($(cut -d . -f 1 /proc/uptime) - uptime_before)) 1 4
check "it did storm until here" "$(kill -0 $STRAY_PID 2>&1)" ""
kill $STRAY_PID
wait $STRAY_PID 2>/dev/null
# Killed at any moment, it may have left the line high: the first pulse would then lack an edge.
echo pull-down >"$LINES_DIR/sim_gpio$METER/pull"
check_contains "cleared when the line is quiet" "$(clear_tap; echo "exit $?")" "exit 0"
check_within "the tap is well" 5 state_is idle
liquid 400 330 12
reader card $ann
check_within "and pours" 5 state_is pouring
liquid_ends
reader remove
check_within "to its end" 10 state_is idle
tapd_down
check "with every pulse in the row" "$(newest "status, pulses, edges_lost")" "new|$(poured)|0"
check "the storm is an event without volume" "$(lost)" "stopped|implausible_meter|0"

# --- a leak, and what seeps -----------------------------------------------------------------------

tapd_up
stray 300 30 # 5.6 ml/s: too slow for a stuck valve
check_within "a leak through the shut valve puts the tap out of order" 10 state_is faulted
wait $STRAY_PID
check "while it drips it stays so" "$(tap_state)" faulted
check_within "when nothing has run for 10 s it sells again" 20 state_is idle
check_contains "and the journal says how much was lost" "$(cat tapd.log)" \
  "55 ml ran through the shut valve in"
stray 50 30
wait $STRAY_PID
sleep 1
check "less than a leak bars nothing" "$(tap_state)" idle
tapd_down
check "all of it is in the books, each millilitre once" "$(lost | tail -n 3 | tr '\n' ' ')" \
  "started|flow_with_valve_closed|20 stopped|flow_with_valve_closed|55 \
stopped|seepage_with_valve_closed|9 "
check "the database is sound" "$(sql "PRAGMA integrity_check")" ok
reader_down
