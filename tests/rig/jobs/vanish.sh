# The chip with the lines goes away in mid-pour, as one on a bus may, and comes back. The last job:
# the kernel complains of it.
# shellcheck shell=dash
# shellcheck disable=SC2154  # SIM, VALVE ...: guest/*.sh

ann=04ab7815cd6b80
mkdir -m 700 state
write_config tapd.toml
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 || exit 1
reader_up || exit 1

check "until here the kernel made no complaint" \
  "$(dmesg | grep -E 'WARNING:|BUG:|Oops|Call Trace')" ""

tapd_up
liquid 100000 330 0
reader card $ann
check_within "a pour begins" 5 state_is pouring
kill -9 "$LIQUID_PID" # its files go with the chip
echo 0 >"$SIM/pi/live"
check_within "the tap is out of order when its chip has gone" 10 state_is faulted
check_contains "the journal names the meter's line" "$(cat tapd.log)" "GPIO17 on pinctrl-bcm2711" \
  "No such device"
check_contains "and the valve's, which cannot be driven" "$(cat tapd.log)" \
  "GPIO22 on pinctrl-bcm2711, active high: cannot be driven"
before=$(cpu_ticks)
sleep 5
check_between "tapd is not busy with lines that are no more: ticks of 500" \
  $(($(cpu_ticks) - before)) 0 100
reader remove

# The chip comes back, as another device than before: tapd has the old one open.
clear_tap() {
  tapctl --socket tapd.sock clear 1 2>&1
  echo "exit $?"
}
check_contains "while it is away clear says what is missing" "$(clear_tap)" \
  "still out of order: valve" "GPIO22"
check "and the tap stays out of order" "$(tap_state)" faulted
echo 1 >"$SIM/pi/live"
machine_here
check_contains "when it is back clear takes its lines anew" "$(clear_tap)" "exit 0"
check_within "the tap is well" 5 state_is idle
check "its valve is shut" "$(line_value "$VALVE")" 0
liquid 400 330 12
reader card $ann
check_within "and opens for a card" 5 line_is "$VALVE" 1
liquid_ends
reader remove
check_within "and shuts" 5 line_is "$VALVE" 0
check_within "the pour ends" 10 state_is idle
tapd_down
check "the pour before is a row" "$(sql "SELECT status FROM pours ORDER BY pour_seq LIMIT 1")" new
check "the one after has every pulse" "$(newest "status, pulses, edges_lost")" "new|$(poured)|0"
reader_down

# The kernel takes the interrupt away from under the open line and warns of that itself; what it has
# said is kept here, and its log begins anew.
check "the kernel complains of its own loose end and of nothing else" \
  "$(dmesg | grep -E 'WARNING:|BUG:|Oops' | grep -v remove_proc_entry)" ""
dmesg -c >dmesg.log
