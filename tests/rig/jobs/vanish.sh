# The chip with the lines goes away in mid-pour, as one on a bus may. The last job: the machine has
# no chip after it.
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
# cpu: ticks of the processor that tapd has used, proc(5).
cpu() { awk '{ print $14 + $15 }' "/proc/$TAPD_PID/stat"; }
before=$(cpu)
sleep 5
check_between "tapd is not busy with lines that are no more: ticks of 500" \
  $(($(cpu) - before)) 0 100
reader remove
tapd_down
check "the pour is a row" "$(newest "status")" new
reader_down

# The kernel takes the interrupt away from under the open line and warns of that itself; what it has
# said is kept here, and its log begins anew.
check "the kernel complains of its own loose end and of nothing else" \
  "$(dmesg | grep -E 'WARNING:|BUG:|Oops' | grep -v remove_proc_entry)" ""
dmesg -c >dmesg.log
