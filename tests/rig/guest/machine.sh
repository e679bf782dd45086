# The emulated machine's hardware, seen from the kernel's side: lines of a simulated chip that looks
# like a Raspberry Pi 4's, and an MFRC522 behind a simulated SPI controller. Sourced by init before
# any job. The other side, /dev/gpiochip* and /dev/spidev0.0, belongs to the program under test.
# shellcheck shell=dash

SIM=/sys/kernel/config/gpio-sim
READER_COMMANDS=$RIG/reader.fifo

# Loads what the kernel does not have built in; modules are listed in the order they need.
load_modules() {
  local module
  for module in configfs spidev gpio-sim spi-sim; do
    [ -e /rig/modules/$module.ko ] || continue
    # Without the second chip select a configuration that names it meets a missing device.
    case $module in spi-sim) set -- chip_selects=1 ;; *) set -- ;; esac
    insmod /rig/modules/$module.ko "$@" || return 1
  done
  mountpoint -q /sys/kernel/config || mount -t configfs configfs /sys/kernel/config
}

# One chip: new_chip NAME LABEL LINES. Names of lines come before it goes live.
new_chip() {
  mkdir -p "$SIM/$1/bank0"
  echo "$2" >"$SIM/$1/bank0/label"
  echo "$3" >"$SIM/$1/bank0/num_lines"
}

# name_line CHIP OFFSET NAME
name_line() {
  mkdir "$SIM/$1/bank0/line$2"
  echo "$3" >"$SIM/$1/bank0/line$2/name"
}

# A chip that is there first and has as many lines: who takes gpiochip0, or the first chip whose
# size fits, gets this one. The Pi's: 58 lines, of which the header's bear names.
chips_up() {
  local line=2
  new_chip decoy decoy 58
  echo 1 >$SIM/decoy/live
  new_chip pi pinctrl-bcm2711 58
  name_line pi 0 ID_SDA
  name_line pi 1 ID_SCL
  while [ $line -le 27 ]; do
    name_line pi $line GPIO$line
    line=$((line + 1))
  done
  echo 1 >$SIM/pi/live
}

# Where things are, for a shell in a machine that is already up.
machine_here() {
  LINES_DIR=/sys/devices/platform/$(cat $SIM/pi/dev_name)/$(cat $SIM/pi/bank0/chip_name)
  # shellcheck disable=SC2034  # for the jobs
  DECOY_DIR=/sys/devices/platform/$(cat $SIM/decoy/dev_name)/$(cat $SIM/decoy/bank0/chip_name)
}

machine_up() {
  load_modules && chips_up && machine_here && [ -d "$LINES_DIR" ] && [ -c /dev/spidev0.0 ] && return
  fail "the machine has its chips and /dev/spidev0.0"
  dmesg | tail -n 20
}

# A line as the world outside sees it. line_value OFFSET: 0 or 1. pull OFFSET up|down: what an input
# then reads, and what an output that nobody drives any more falls back to.
line_value() { cat "$LINES_DIR/sim_gpio$1/value"; }
line_is() { [ "$(line_value "$1")" = "$2" ]; }
pull() { echo "pull-$2" >"$LINES_DIR/sim_gpio$1/pull"; }

# The reader: reader_up starts the model of the chip, reader COMMAND... places and removes cards
# (the commands are mfrc522_on_spi_sim's), reader_down takes the chip away.
reader_up() {
  rm -f "$RIG/reader.log"
  mfrc522_on_spi_sim --commands "$READER_COMMANDS" >"$RIG/reader.log" 2>&1 &
  READER_PID=$!
  within 10 grep -q ready "$RIG/reader.log"
}
reader() { echo "$*" >"$READER_COMMANDS"; }
reader_down() {
  kill "$READER_PID"
  wait "$READER_PID" 2>/dev/null || true # that is the signal
}
