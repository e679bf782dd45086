# The native tapd on real lines and a real spidev: a card, a pour, a row; and every way out of a
# pour that the kernel has a part in. The valve is always looked at from outside; tapd's own word
# for it counts nothing.
# shellcheck shell=dash
# shellcheck disable=SC2154  # RIG, VALVE, TAPD_PID ...: guest/*.sh

ann=04ab7815cd6b80 # has plenty
dan=dead01ef       # has 1.00, which buys 77 ml
stranger=01020304

mkdir -m 700 state
write_config tapd.toml
seed_ledger state/tapd.db "$CENTS_PER_LITRE" $ann=100000 $dan=100 || exit 1
reader_up || exit 1

# --- wrong in the configuration, or in the wiring -------------------------------------------------

# start_fails_with TEXT CONFIG PART...: tapd ends by itself, says every part, and the valve is shut.
start_fails_with() {
  local text=$1 config=$2 rc
  shift 2
  timeout 20 tapd --config "$config" >refusal.txt 2>&1
  rc=$?
  check_contains "$text: it is said plainly" "$(cat refusal.txt)" "$@"
  check "$text: the exit code is a failure's" "$rc" 1
  check "$text: the valve is shut" "$(line_value "$VALVE")" 0
}
write_config no_device.toml GPIO17 /dev/spidev0.1
start_fails_with "an SPI device that is not there" no_device.toml /dev/spidev0.1 "does not exist"
write_config no_line.toml GPIO99
start_fails_with "a line that no chip has" no_line.toml GPIO99 "none of the GPIO chips" \
  pinctrl-bcm2711

# --- the first pour -------------------------------------------------------------------------------

check "the valve is shut before tapd" "$(line_value "$VALVE")" 0
tapd_up
check_contains "tapd has found its lines on the Pi's chip, and its reader" "$(cat tapd.log)" \
  "GPIO22 on pinctrl-bcm2711" "GPIO17 on pinctrl-bcm2711" "MFRC522" /dev/spidev0.0
check "the valve is shut while nobody is there" "$(line_value "$VALVE")" 0

start_fails_with "a second tapd while the first one runs" tapd.toml "in use by"
check_within "the first one does not mind" 5 state_is idle

reader card $stranger
check_within "a card that nobody knows is denied" 5 state_is denied
check "and opens nothing" "$(line_value "$VALVE")" 0
reader remove
check_within "and is forgotten" 10 state_is idle

liquid 100000 330 12
reader card $ann
check_within "a card opens the valve" 5 line_is "$VALVE" 1
check_within "the tap says that it pours" 5 state_is pouring
sleep 1
check "the valve stays open while it pours" "$(line_value "$VALVE")" 1
reader remove
check_within "taking the card away shuts the valve" 5 line_is "$VALVE" 0
liquid_ends
check_contains "and the liquid stops, after its tail" "$(cat pulses.txt)" "tail 12"
check_within "the tap is idle again" 5 state_is idle
tapd_down
check "tapd ends well when it is asked to" "$?" 0
check "the pour is a row, and every pulse is in it" \
  "$(newest "status, pulses, edges_lost, stop_reason")" "new|$(poured)|0|card_removed"
expected=$(to_microlitres "$(poured)")
check_between "its volume is what the pulses are worth" "$(newest volume_ml)" \
  $((expected / 1000)) $((expected / 1000 + 1))
# The pulse that was under way when the valve fell is the tail's as well.
check_between "its tail is what ran after the valve was told to shut" "$(newest tail_volume_ml)" \
  $(($(to_microlitres 12) / 1000)) $(($(to_microlitres 13) / 1000 + 1))
# Exactly: whole millilitres times the litre price, half a cent up.
check "its price is what the volume costs" "$(newest price_cents)" \
  "$((($(newest volume_ml) * CENTS_PER_LITRE + 500) / 1000))"

# --- the limit ------------------------------------------------------------------------------------

tapd_up
liquid 100000 330 12
reader card $dan
check_within "a guest with 1.00 may begin" 5 line_is "$VALVE" 1
check_within "the valve shuts by itself at the limit" 10 line_is "$VALVE" 0
liquid_ends
check_within "the guest is told that it is over" 5 state_is finished
sleep 1
check "and the card that still lies there opens nothing" "$(line_value "$VALVE")" 0
reader remove
check_within "the next guest may come" 5 state_is idle
tapd_down
check "the row says why it ended, and has every pulse" \
  "$(newest "status, pulses, edges_lost, stop_reason")" "new|$(poured)|0|limit_reached"
check_between "not a millilitre was let through beyond what 1.00 buys" \
  "$(newest "volume_ml - tail_volume_ml")" 65 77

# --- killed in mid-pour ---------------------------------------------------------------------------

tapd_up
liquid 100000 330 12
reader card $ann
check_within "a pour that will be cut off begins" 5 state_is pouring
sleep 1
tapd_signal KILL
tapd_gone
check "the valve falls when tapd is killed" "$(line_value "$VALVE")" 0
liquid_ends
reader remove
check "the row is still open" "$(newest status)" open
sleep 1
tapd_up
check_contains "the next start says what it found" "$(cat tapd.log)" "still open" charged
check "and leaves the valve shut" "$(line_value "$VALVE")" 0
tapd_down
check "the pour is finished" "$(newest "status, stop_reason")" "new|power_loss"
# At most 50 ml or a second short (architecture, failure table): 270 pulses are 50 ml. The 12 of
# the tail nobody could count.
check_between "and charged to within 50 ml of what ran" "$(newest pulses)" \
  $(($(poured) - 12 - 270)) "$(poured)"

# --- hardware that fails in mid-pour --------------------------------------------------------------

tapd_up
liquid 100000 330 12
reader card $ann
check_within "a pour begins" 5 state_is pouring
echo 1 >/sys/module/spi_sim/parameters/fail
sleep 1
check "one failed transfer on the bus does not end it" "$(line_value "$VALVE")" 1
reader bus ones
check_within "a reader that is gone shuts the valve" 5 line_is "$VALVE" 0
liquid_ends
check_within "the tap is out of order" 10 state_is faulted
reader remove
reader bus ok
check_within "and comes back with its reader" 30 state_is idle
tapd_down
check "the pour ends as if the card had been taken away, and has every pulse" \
  "$(newest "status, pulses, edges_lost, stop_reason")" "new|$(poured)|0|card_removed"

# --- more than the kernel can keep ----------------------------------------------------------------

# Nobody reads while more than 1024 edges come: the kernel keeps so many, and numbers all.
tapd_up
liquid 2000 2000 0
reader card $ann
check_within "a fast pour begins" 5 state_is pouring
tapd_signal STOP
usleep 600000
tapd_signal CONT
liquid_ends
sleep 1
reader remove
check_within "it ends like any other" 10 state_is idle
tapd_down
check "no pulse is lost with the edges that the kernel had to drop" "$(newest pulses)" "$(poured)"
check_between "and the row says how many those were" "$(newest edges_lost)" 500 3000

check "the database is sound" "$(sql "PRAGMA integrity_check")" ok
reader_down
