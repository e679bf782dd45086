#include "tests/rig/spi_sim_port.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <system_error>

#include "tests/rig/module/spi_sim_abi.h"

namespace tapd::test::rig {
namespace {

// Takes a plain structure off the front of the bytes.
template<typename Plain>
Plain take(std::span<const std::uint8_t>& bytes) {
  if (bytes.size() < sizeof(Plain)) throw std::runtime_error("spi-sim: request is cut short");
  Plain plain{};
  std::memcpy(&plain, bytes.data(), sizeof(Plain));
  bytes = bytes.subspan(sizeof(Plain));
  return plain;
}

// Transfers with nothing but the clock between them: one frame for the chip.
struct Frame {
  std::vector<std::uint8_t> tx;

  void run(std::uint32_t chip_select, const Chip& chip, std::vector<std::uint8_t>& answer) {
    if (tx.empty()) return;
    std::vector<std::uint8_t> rx(tx.size());
    chip(chip_select, tx, rx);
    answer.insert(answer.end(), rx.begin(), rx.end());
    tx.clear();
  }
};

}  // namespace

std::vector<std::uint8_t> answer_request(std::span<const std::uint8_t> request, const Chip& chip) {
  const auto head = take<spi_sim_request>(request);
  const spi_sim_answer answer_head{.seq = head.seq, .status = 0};
  std::vector<std::uint8_t> answer(sizeof(answer_head));
  std::memcpy(answer.data(), &answer_head, sizeof(answer_head));

  Frame frame;
  for (std::uint32_t i = 0; i < head.transfers; ++i) {
    const auto part = take<spi_sim_transfer>(request);
    if (request.size() < part.len) throw std::runtime_error("spi-sim: transfer is cut short");
    const auto bytes = request.first(part.len);
    frame.tx.insert(frame.tx.end(), bytes.begin(), bytes.end());
    request = request.subspan(part.len);
    if (part.cs_change != 0) frame.run(head.chip_select, chip, answer);
  }
  frame.run(head.chip_select, chip, answer);
  return answer;
}

SpiSimPort::SpiSimPort(const std::string& device)
    : device_{::open(device.c_str(), O_RDWR | O_CLOEXEC)}, request_(SPI_SIM_MAX_BYTES) {
  if (!device_.is_open()) {
    throw std::system_error(errno, std::generic_category(),
                            device + " (is spi-sim.ko loaded, and no other model attached?)");
  }
}

void SpiSimPort::serve(const Chip& chip) {
  const auto size = ::read(device_.get(), request_.data(), request_.size());
  if (size < 0) throw std::system_error(errno, std::generic_category(), "reading from spi-sim");
  const auto answer = answer_request({request_.data(), static_cast<std::size_t>(size)}, chip);
  // ESTALE: the client's message has timed out meanwhile, nobody waits for the answer any more.
  if (::write(device_.get(), answer.data(), answer.size()) < 0 && errno != ESTALE) {
    throw std::system_error(errno, std::generic_category(), "answering spi-sim");
  }
}

}  // namespace tapd::test::rig
