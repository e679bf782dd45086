# The valve and what shuts it: tapd killed, stopped, hung in one thread, its line in somebody's
# hand; what tapd says of a kill on this machine; the one-shot that needs no software; the lamps.
# shellcheck shell=dash
# shellcheck disable=SC2154,SC2034  # RIG, LINES_DIR, VALVE, TAPD_PID ...: guest/*.sh

ann=04ab7815cd6b80
PULSES=23 # of the keep-alive
RED=5
GREEN=6

mkdir -m 700 state
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 || exit 1
reader_up || exit 1

# valve_config FILE [CONTROLLER_LINE]: the usual tap with a one-shot's line and two lamps.
valve_config() {
  write_config "$1"
  sed -i "s/^line = \"GPIO$VALVE\"/&\nkeep_alive_line = \"GPIO$PULSES\"\nkeep_alive_hz = 50/" "$1"
  printf '[tap.indicator]\nred = "GPIO%s"\ngreen = "GPIO%s"\n' $RED $GREEN >>"$1"
  [ -z "${2:-}" ] || sed -i "s/^log_level/$2\n&/" "$1"
}
valve_config tapd.toml

# --- what a kill does on this machine -------------------------------------------------------------

# The kernel's parameter, as a Raspberry Pi's kernel has it; simulated chips have none.
persist() {
  mount -t tmpfs tmpfs /sys/module
  mkdir -p /sys/module/pinctrl_bcm2835/parameters
  echo "$1" >/sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs
}
tapd_up
check_contains "tapd says that this kernel does not tell what a kill does" "$(cat tapd.log)" \
  "whether a kill shuts the valves is not known" "persist_gpio_outputs cannot be read"
tapd_down
persist N
tapd_up
check_contains "with persist_gpio_outputs=N a kill shuts the valves, by the pull that was set" \
  "$(cat tapd.log)" "a kill shuts every valve: pinctrl-bcm2711 gives the pins" \
  "the pull of GPIO$VALVE is down, towards shut (as it was set; it cannot be read back)"
tapd_down
# A pin controller that reads its pulls back, as the Pi 4's and 5's do; simulated chips have none.
mount -t tmpfs tmpfs /sys/kernel/debug
mkdir -p /sys/kernel/debug/pinctrl/fe200000.gpio-pinctrl-bcm2711
pinconf() {
  echo "pin $VALVE (gpio$VALVE): $1" \
    >/sys/kernel/debug/pinctrl/fe200000.gpio-pinctrl-bcm2711/pinconf-pins
}
pinconf "input bias pull down"
tapd_up
check_contains "a pull that is read back is the better word" "$(cat tapd.log)" \
  "a kill shuts every valve" "towards shut (as the pin reads back)"
tapd_down
pinconf "input bias pull up"
valve_config safe.toml "require_safe_kill = true"
mv tapd.toml usual.toml
mv safe.toml tapd.toml
tapd_up
check_contains "a pull towards open leaves the taps shut where a safe kill is required" \
  "$(cat tapd.log)" "a kill leaves a valve open" "is up, towards OPEN" "the taps stay shut"
check_within "and the tap is locked" 5 state_is locked
tapd_down
mv usual.toml tapd.toml
umount /sys/kernel/debug /sys/module
persist Y
valve_config safe.toml "require_safe_kill = true"
tapd_up
check_contains "with Y it leaves them open, and the cure is named" "$(cat tapd.log)" \
  "a kill leaves a valve open" "dtparam=strict_gpiod"
tapd_down
mv tapd.toml usual.toml
mv safe.toml tapd.toml
tapd_up
check_contains "where a safe kill is required the taps stay shut" "$(cat tapd.log)" \
  "the taps stay shut (controller.require_safe_kill)"
check_within "the tap is locked" 5 state_is locked
reader card $ann
sleep 1
check "and a card with money opens nothing" "$(line_value "$VALVE")" 0
reader remove
tapd_down
mv usual.toml tapd.toml
umount /sys/module

# --- tapd --shut-valves ---------------------------------------------------------------------------

# shut_valves CONFIG: its exit code and what it says.
shut_valves() {
  tapd --config "$1" --shut-valves 2>&1
  echo "exit $?"
}
tapd_up
check "a living tapd's valves are left alone, and the reason is told" "$(shut_valves tapd.toml)" \
  "tap 1: not touched: a living tapd holds GPIO22: stop that first (systemctl stop tapd)
exit 1"
tapd_down
check "valves that nobody holds are driven shut, and it is told" "$(shut_valves tapd.toml)" \
  "tap 1: shut: valve GPIO22 on pinctrl-bcm2711, active high
exit 0"
# The file has been changed since, and is not good: what was held counts.
mkdir held
cp tapd.toml held/tapd.toml
echo "pulses = many" >bad.toml
check_contains "what the last tapd held is shut, though the file is not good any more" \
  "$(RUNTIME_DIRECTORY=$PWD/held shut_valves bad.toml)" "tap 1: shut: valve GPIO22" "exit 0"
check_contains "without that a file that is not good is only told" \
  "$(shut_valves bad.toml)" "exit 78"
line_probe hold "GPIO$VALVE" >hold.txt &
holder=$!
check_within "somebody else takes the valve's line" 10 line_is "$VALVE" 1
check_contains "a valve in somebody else's hand is named with its holder" \
  "$(shut_valves tapd.toml)" 'in use by "line_probe"' "exit 1"
timeout 20 tapd --config tapd.toml >taken.txt 2>&1
check "and tapd does not start then" "$?" 1
check_contains "it names the line and its holder as well" "$(cat taken.txt)" "tap 1, valve" \
  'GPIO22 on pinctrl-bcm2711 is in use by "line_probe"'
kill -9 $holder
wait $holder 2>/dev/null
sed "s/^line = \"GPIO$VALVE\"/&\nactive = \"low\"/" tapd.toml >low.toml
check_contains "a valve that opens when the pin is low is shut too" "$(shut_valves low.toml)" \
  "active low" "exit 0"
check "by a pin that its pull holds high afterwards" "$(line_value "$VALVE")" 1
shut_valves tapd.toml >/dev/null
check_contains "a line that no chip has is told" \
  "$(sed 's/GPIO22/GPIO99/' tapd.toml >none.toml && shut_valves none.toml)" "GPIO99" "exit 1"

# --- the one-shot ---------------------------------------------------------------------------------

mkdir coil
echo 0 >coil/value
valve_watch one-shot "$LINES_DIR/sim_gpio$PULSES" "$LINES_DIR/sim_gpio$VALVE" 200 coil/value &
coil_is() { [ "$(cat coil/value)" = "$1" ]; }

# pour_begins TEXT: with liquid that runs when the coil has current, not when the line is on.
pour_begins() {
  tapd_up
  rm -f pulses.txt
  pulse_source --meter "$LINES_DIR/sim_gpio$METER" --valve "$PWD/coil" --count 100000 --rate 330 \
    --tail 5 >pulses.txt 2>&1 &
  LIQUID_PID=$!
  reader card $ann
  check_within "$1" 5 state_is pouring
}

pour_begins "with its one-shot a tap pours"
check "the coil has current" "$(cat coil/value)" 1
sleep 2
check "and keeps it" "$(cat coil/value)" 1
check "the green lamp is lit, the red one is not" "$(line_value $GREEN)$(line_value $RED)" 10
tapd_signal STOP
check "stopped by SIGSTOP tapd leaves the line as it is" "$(line_value "$VALVE")" 1
check_within "but the one-shot shuts the valve" 1 coil_is 0
liquid_ends
tapd_signal KILL
tapd_gone
check "and the line falls with the kill" "$(line_value "$VALVE")" 0
reader remove

pour_begins "another pour begins"
valve_watch freeze "$TAPD_PID" 1000 >frozen.txt 2>&1 &
freezer=$!
check_within "the control thread hangs, and it alone" 2 grep -q stopped frozen.txt
check_within "the one-shot shuts the valve" 1 coil_is 0
check "while the line still says open" "$(line_value "$VALVE")" 1
liquid_ends
wait $freezer
reader remove
check_within "a loop that comes back ends the pour as usual" 15 state_is idle
tapd_down
check "and has every pulse" "$(newest "status, pulses, edges_lost")" "new|$(poured)|0"

# --- killed: how soon -----------------------------------------------------------------------------

pour_begins "a pour that will be killed begins"
released=$(valve_watch kill "$TAPD_PID" "$LINES_DIR/sim_gpio$VALVE" 2>&1)
tapd_gone
liquid_ends
check_contains "killed, the line falls" "$released" "released after"
from=$(cut -d ' ' -f 1 /proc/uptime)
check_contains "shutting the valves once more works" "$(shut_valves tapd.toml)" "exit 0"
echo "== figure: $released from SIGKILL; --shut-valves ran from $from s to" \
  "$(cut -d ' ' -f 1 /proc/uptime) s (the machine's own time)"
reader remove
tapd_up
tapd_down
check "the pour is finished by the next start" "$(newest "status, stop_reason")" "new|power_loss"

# --- four meters at once --------------------------------------------------------------------------

meter_watch 500 GPIO7 GPIO8 GPIO9 GPIO10 >meters.txt 2>&1 &
watcher=$!
check_within "four meters are watched by tapd's driver" 10 grep -q ready meters.txt
sources=
for line in 7 8 9 10; do
  pulse_source --meter "$LINES_DIR/sim_gpio$line" --count 8000 --rate 2050 --steady 1 \
    >/dev/null &
  sources="$sources $!"
done
# shellcheck disable=SC2086  # one word each
wait $sources $watcher
check "8,000 pulses on each of four lines are 16,000 edges each, none lost" \
  "$(sed -n 's/ pulses.*//p' meters.txt | sort | uniq -c | sed 's/^ *//')" "4 edges 16000 lost 0"
rate=$(sed -n 's/.*pulses\/s //p' meters.txt | sort -n | head -n 1)
check "2,000 pulses a second on each of the four at once" "$((rate >= 2000))" 1
echo "== figure: $rate pulses/s on each of the four lines, none lost"

check "the database is sound" "$(sql "PRAGMA integrity_check")" ok
reader_down
