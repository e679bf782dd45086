// Attaches the MFRC522 model to the kernel's simulated SPI controller, so that a program that opens
// /dev/spidev0.0 meets a card reader; cards are placed through a FIFO. Started by the rig's jobs.
// It answers chip select 0 only; on any other the wire reads zeros, like an unconnected one.
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

#include "drivers/clock.hpp"
#include "drivers/sim/mfrc522_model.hpp"
#include "tests/rig/reader_commands.hpp"
#include "tests/rig/spi_sim_port.hpp"
#include "tests/support/unique_fd.hpp"

namespace {

using tapd::drivers::sim::Mfrc522Model;
using tapd::test::UniqueFd;
namespace rig = tapd::test::rig;

constexpr std::size_t command_line_max = 256;

struct Arguments {
  std::string device{"/dev/spi-sim"};
  std::string commands;
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option{argv[i]};
    if (option == "--device") {
      arguments.device = argv[i + 1];
    } else if (option == "--commands") {
      arguments.commands = argv[i + 1];
    } else {
      throw std::invalid_argument(fmt::format("unknown option {}", option));
    }
  }
  if (argc % 2 == 0 || arguments.commands.empty()) {
    throw std::invalid_argument(
        fmt::format("usage: mfrc522_on_spi_sim --commands FIFO [--device /dev/spi-sim]\n"
                    "Commands, one a line:\n{}",
                    rig::reader_commands));
  }
  return arguments;
}

UniqueFd open_fifo(const std::string& path) {
  if (::mkfifo(path.c_str(), 0600) != 0 && errno != EEXIST) {
    throw std::system_error(errno, std::generic_category(), "making " + path);
  }
  // Also for writing, so that the last writer's leaving is not an end of file.
  UniqueFd fifo{::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC)};
  if (!fifo.is_open()) throw std::system_error(errno, std::generic_category(), "opening " + path);
  return fifo;
}

void say(std::string_view text) {
  fmt::print("{}\n", text);
  std::fflush(stdout);
}

void obey_aloud(Mfrc522Model& model, std::string_view command) {
  try {
    say(rig::obey(model, command));
  } catch (const std::invalid_argument& error) {
    say(fmt::format("refused: {}", error.what()));
  }
}

// Writes of a line to a FIFO are whole: no line is spread over two reads unless it is too long.
void take_commands(int fifo, Mfrc522Model& model) {
  std::array<char, command_line_max> buffer{};
  const auto size = ::read(fifo, buffer.data(), buffer.size());
  if (size <= 0) return;
  std::string_view text{buffer.data(), static_cast<std::size_t>(size)};
  while (!text.empty()) {
    const auto end = text.find('\n');
    obey_aloud(model, text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

void serve(const Arguments& arguments) {
  Mfrc522Model model;
  const rig::Chip chip = [&model](std::uint32_t chip_select, std::span<const std::uint8_t> tx,
                                  std::span<std::uint8_t> rx) {
    if (chip_select == 0) model.transfer(tx, rx, tapd::drivers::since_boot_now());
  };
  const UniqueFd fifo = open_fifo(arguments.commands);
  rig::SpiSimPort port{arguments.device};
  say("ready");
  while (true) {
    std::array<pollfd, 2> waiting{{{port.fd(), POLLIN, 0}, {fifo.get(), POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0) {
      throw std::system_error(errno, std::generic_category(), "poll");
    }
    // Commands first: a card that was placed lies there for the next frame.
    if ((waiting[1].revents & POLLIN) != 0) take_commands(fifo.get(), model);
    if ((waiting[0].revents & POLLIN) != 0) port.serve(chip);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    serve(parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "mfrc522_on_spi_sim: {}\n", error.what());
    return 1;
  }
  return 0;
}
