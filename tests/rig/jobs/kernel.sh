# Does the machine itself work? Lines, edges and SPI through the kernel, without tapd: when a later
# job fails, this one says whether the ground it stands on held.
# shellcheck shell=dash disable=SC2154,SC2153  # LINES_DIR, DECOY_DIR: guest/machine.sh

check_contains "a line is found by name on the chip labelled as a Pi's, not on the decoy" \
  "$(line_probe find GPIO17 2>&1)" "pinctrl-bcm2711 17"
chips=$(cd /dev && echo gpiochip*)
check "the decoy is the chip that was there first" "$(basename "$DECOY_DIR")" "${chips%% *}"
check_contains "a name that no line has is not found" "$(line_probe find GPIO99 2>&1)" \
  "no chip has a line GPIO99"

# count_edges RATE: what libgpiod says of 400 pulses at that rate.
count_edges() {
  rm -f edges.txt # of the run before: its "ready" would start the source too early
  line_probe count GPIO17 500 >edges.txt &
  local probe=$!
  within 10 grep -q ready edges.txt
  pulse_source --meter "$LINES_DIR/sim_gpio17" --count 400 --rate "$1" >pulses.txt
  wait $probe
  grep events edges.txt
}
for rate in 50 500 2000 10000; do
  check "400 pulses at $rate/s are 800 edges, none missing" "$(count_edges $rate)" \
    "events 800 gaps 0 out of turn 0"
  check "the source says so too" "$(cat pulses.txt)" "pulses 400 tail 0"
done

line_probe hold GPIO22 >hold.txt &
holder=$!
check_within "an output that is held at 1 reads 1 from outside" 10 line_is 22 1
# With the valve line in somebody's hand the source pours, and stops when it falls.
pulse_source --meter "$LINES_DIR/sim_gpio17" --valve "$LINES_DIR/sim_gpio22" --count 100000 \
  --rate 100 --tail 7 >pour.txt &
source=$!
sleep 1
kill -9 $holder
wait $holder 2>/dev/null
check "it falls to its pull when its owner is killed" "$(line_value 22)" 0
wait $source
check_contains "the source stops with the valve, after its tail" "$(cat pour.txt)" "tail 7"
poured=$(sed -n 's/pulses \([0-9]*\) .*/\1/p' pour.txt)
check "and poured for a second at 100/s" "$([ "$poured" -ge 90 ] && [ "$poured" -le 120 ] \
  && echo yes || echo "$poured pulses")" yes
check_contains "a valve that does not open is waited for only so long" \
  "$(pulse_source --meter "$LINES_DIR/sim_gpio17" --valve "$LINES_DIR/sim_gpio22" --count 1 \
    --rate 100 --patience 200 2>&1)" "did not open"

check "there is one spidev device" "$(echo /dev/spidev*)" /dev/spidev0.0
check "without a chip the wire reads zeros" "$(spi_probe /dev/spidev0.0 ee00)" 0000
reader_up || exit 1
check "the MFRC522 names its version" "$(spi_probe /dev/spidev0.0 ee00)" 0092
check "two transfers under one chip select are one frame" \
  "$(spi_probe /dev/spidev0.0 ee 00 | tr '\n' ' ')" "00 92 "
check "a released chip select begins a new one" \
  "$(spi_probe /dev/spidev0.0 ee/ 00 | tr '\n' ' ')" "00 00 "
check "a register keeps what is written" \
  "$(spi_probe /dev/spidev0.0 5870/ d800 | tail -n 1)" 0070
echo 1 >/sys/module/spi_sim/parameters/fail
check_contains "a fault on the bus is an error for the client" \
  "$(spi_probe /dev/spidev0.0 ee00 2>&1)" "Input/output error"
check "and is over after it" "$(spi_probe /dev/spidev0.0 ee00)" 0092
reader card 04ab7815cd6b80
check_within "a card can be placed" 5 grep -q "done: card 04ab7815cd6b80" "$RIG/reader.log"
reader card 123
check_within "a UID that is none is refused" 5 grep -q "refused: a UID" "$RIG/reader.log"
reader bus ones
check_within "the wire can be broken" 5 grep -q "done: bus ones" "$RIG/reader.log"
check "and reads ones then" "$(spi_probe /dev/spidev0.0 ee00)" ffff
reader_down
check "the chip is gone with its model" "$(spi_probe /dev/spidev0.0 ee00)" 0000
