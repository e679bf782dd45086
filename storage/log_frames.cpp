#include "storage/log_frames.hpp"

#include <utility>

#include "storage/page_scan.hpp"

namespace tapd::storage {
namespace {

constexpr std::size_t header_size = 32;
constexpr std::size_t frame_header_size = 24;
constexpr std::size_t frame_size = frame_header_size + ledger_page_size;
constexpr std::uint32_t magic = 0x377F0682;  // The low bit: checksums are of big-endian words.

std::uint32_t big_endian(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4; ++i) {
    value = (value << 8U) | static_cast<unsigned char>(bytes[i]);
  }
  return value;
}

LogChecksum stored(std::string_view bytes, std::size_t at) {
  return {big_endian(bytes, at), big_endian(bytes, at + 4)};
}

LogChecksum add(LogChecksum sum, std::string_view bytes, bool big) {
  const auto word = [&](std::size_t at) {
    const std::uint32_t value = big_endian(bytes, at);
    return big ? value : __builtin_bswap32(value);
  };
  for (std::size_t at = 0; at + 8 <= bytes.size(); at += 8) {
    sum.first += word(at) + sum.second;
    sum.second += word(at + 4) + sum.first;
  }
  return sum;
}

}  // namespace

LogFrames::LogFrames(Read read)
    : read_{std::move(read)}, header_{read_(0, header_size)}, offset_{header_size} {
  big_ = complete() && big_endian(header_, 0) == (magic | 1U);
}

bool LogFrames::complete() const {
  return header_.size() == header_size;
}

bool LogFrames::header_adds_up() const {
  return complete() && (big_endian(header_, 0) & ~1U) == magic &&
         add({}, std::string_view{header_}.substr(0, 24), big_) == seed();
}

LogChecksum LogFrames::seed() const {
  return stored(header_, 24);
}

std::string_view LogFrames::generation() const {
  return std::string_view{header_}.substr(16, 8);
}

bool LogFrames::next() {
  frame_ = read_(offset_, frame_size);
  offset_ += static_cast<std::int64_t>(frame_size);
  return frame_.size() == frame_size;
}

bool LogFrames::of_this_generation() const {
  return std::string_view{frame_}.substr(8, 8) == generation();
}

bool LogFrames::follows(LogChecksum before) const {
  const std::string_view frame{frame_};
  return add(add(before, frame.substr(0, 8), big_), page(), big_) == sum();
}

LogChecksum LogFrames::sum() const {
  return stored(frame_, 16);
}

bool LogFrames::commits() const {
  return big_endian(frame_, 4) != 0;
}

std::uint32_t LogFrames::page_number() const {
  return big_endian(frame_, 0);
}

std::string_view LogFrames::page() const {
  return std::string_view{frame_}.substr(frame_header_size);
}

}  // namespace tapd::storage
