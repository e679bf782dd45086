# The reader's faults as the kernel's spidev shows them to tapd: transfers that fail, a wire that is
# dead, a chip that hangs or loses its supply, a device that goes away. Of each: whether the tap
# notices, and how soon after the end of the cause a card opens the valve again.
# shellcheck shell=dash
# shellcheck disable=SC2154  # VALVE, TAPD_PID ...: guest/*.sh

ann=04ab7815cd6b80
dan=dead01ef
FAIL=/sys/module/spi_sim/parameters/fail
SPIDEV=/sys/bus/spi/drivers/spidev

mkdir -m 700 state
write_config tapd.toml
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 $dan=100000 || exit 1
reader_up || exit 1
tapd_up

# now_ms: the machine's own time.
now_ms() { awk '{ print int($1 * 1000) }' /proc/uptime; }
# serves_again WHAT: lays a card down and waits for the valve; prints how long that took from now.
serves_again() {
  local from tries=0
  from=$(now_ms)
  reader card $ann
  while ! line_is "$VALVE" 1 && [ $tries -lt 3000 ]; do
    usleep 10000
    tries=$((tries + 1))
  done
  check "$1: a card opens the valve again" "$(line_value "$VALVE")" 1
  echo "== figure: $1: $(($(now_ms) - from)) ms from the end of the cause to an open valve"
  reader remove
  check_within "$1: and taking it away shuts it" 5 line_is "$VALVE" 0
  check_within "$1: the tap is idle" 20 state_is idle
}
# log_says TEXT: after the line that `mark` has put into the journal.
mark() { MARKED=$(wc -l <tapd.log); }
log_says() { tail -n +$((MARKED + 1)) tapd.log | grep -q "$1"; }
# out_of_order WHAT TEXT: the tap says so, and the journal why.
out_of_order() {
  check_within "$1: the tap is out of order" 10 state_is faulted
  check_within "$1: the journal names the trouble" 10 log_says "$2"
  check "$1: the valve is shut" "$(line_value "$VALVE")" 0
}

serves_again "no fault, for comparison"

# short WHAT MICROSECONDS COMMAND END: a fault too short for the tap to be out of order.
short() {
  mark
  eval "$3"
  usleep "$2"
  eval "$4"
  serves_again "$1"
  check_within "$1: it was noticed" 5 log_says "works again after"
}
short "one transfer that fails" 1 "echo 1 >$FAIL" :
short "a bus that fails for 0.3 s" 300000 "echo 100000 >$FAIL" "echo 0 >$FAIL"
short "a wire that reads zero for 0.3 s" 300000 "reader bus zero" "reader bus ok"
short "a wire that reads ones for 0.3 s" 300000 "reader bus ones" "reader bus ok"
short "a chip that hangs until a soft reset" 1 "reader hang" :
short "a dip of the supply" 1 "reader brown-out" :

# As when its overlay is taken out: the open file is dead, and the node in /dev goes.
mark
echo spi0.0 >$SPIDEV/unbind
out_of_order "a device that is gone" "/dev/spidev0.0"
check "a device that is gone: its node as well" "$([ -e /dev/spidev0.0 ] && echo there)" ""
# Nobody can say whether a card that lies there when it comes back was laid down for this tap.
reader card $dan
from=$(now_ms)
echo spi0.0 >$SPIDEV/bind
check_within "a device that is gone: its reader is back" 20 log_says "reader is well again"
echo "== figure: a device that is gone: well $(($(now_ms) - from)) ms after the end of the cause"
check_within "a device that is gone: who lies there must be taken away first" 5 state_is finished
check "a device that is gone: and has opened nothing" "$(line_value "$VALVE")" 0
reader remove
check_within "a device that is gone: then the tap is idle" 5 state_is idle
serves_again "a device that is gone"

# In mid-pour, each shorter than a guest would notice.
liquid 100000 330 12
reader card $ann
check_within "a pour begins" 5 state_is pouring
echo 2 >$FAIL
sleep 1
reader brown-out
sleep 1
reader hang
sleep 1
check "none of three short faults ends a pour" "$(tap_state)" pouring
reader remove
liquid_ends
check_within "it ends with its card" 20 state_is idle

mark
reader card $ann
reader card $dan
check_within "two cards at once are refused, and named" 5 \
  log_says "several cards (\.\.6b80 and \.\.01ef)\|several cards (\.\.01ef and \.\.6b80)"
check "and open nothing" "$(line_value "$VALVE")" 0
reader remove $dan
check_within "when one is taken away the other may pour" 10 line_is "$VALVE" 1
reader remove
check_within "the tap is idle at the end" 20 state_is idle

tapctl --socket tapd.sock status | sed -n 's/^ *reader/== figure: reader/p'
tapd_down
check "the pour has every pulse" "$(sql "SELECT count(*) FROM pours WHERE pulses = $(poured)")" 1
reader_down
