#include "drivers/sim/truth.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <system_error>

namespace tapd::drivers::sim {
namespace {

// The file: a head, then for each tap a sequence number and two slots of counters. The slot with
// the number's parity is the valid one; a writer fills the other and then counts the number up.
constexpr std::uint64_t mark = 0x3168747572745354U;  // "TStruth1" in the file.
constexpr std::size_t counters = 7;
using Words = std::array<std::int64_t, counters>;
struct Head {
  std::uint64_t mark{0};
  std::uint64_t taps{0};
};
struct Place {
  std::uint64_t sequence{0};
  std::array<Words, 2> slots{};
};

/// A reader that is overtaken by a live writer so often gives up: no writer is that fast.
constexpr int most_overtakings = 1'000'000;

Words to_words(const Truth& truth) {
  return {truth.passed_ul, truth.while_open_ul, truth.after_shut_ul, truth.valve_opens,
          truth.edges,     truth.keg_ul,        truth.gas_left_ul};
}

Truth to_truth(const Words& words) {
  return {.passed_ul = words[0],
          .while_open_ul = words[1],
          .after_shut_ul = words[2],
          .valve_opens = words[3],
          .edges = words[4],
          .keg_ul = words[5],
          .gas_left_ul = words[6]};
}

std::size_t size_for(std::size_t taps) {
  return sizeof(Head) + taps * sizeof(Place);
}

Place& place(void* map, std::size_t tap) {
  auto* bytes = static_cast<std::byte*>(map) + size_for(tap);
  return *std::launder(reinterpret_cast<Place*>(bytes));
}

Truth load(Place& place) {
  const std::atomic_ref sequence{place.sequence};
  for (int i = 0; i < most_overtakings; ++i) {
    const std::uint64_t before = sequence.load(std::memory_order_acquire);
    Words words{};
    for (std::size_t word = 0; word < counters; ++word) {
      words.at(word) =
          std::atomic_ref{place.slots.at(before % 2).at(word)}.load(std::memory_order_acquire);
    }
    if (sequence.load(std::memory_order_relaxed) == before) return to_truth(words);
  }
  throw std::runtime_error{"the truth file is written faster than it can be read"};
}

void store(Place& place, const Truth& truth) {
  const std::atomic_ref sequence{place.sequence};
  const std::uint64_t next = sequence.load(std::memory_order_relaxed) + 1;
  const Words words = to_words(truth);
  for (std::size_t word = 0; word < counters; ++word) {
    std::atomic_ref{place.slots.at(next % 2).at(word)}.store(words.at(word),
                                                             std::memory_order_release);
  }
  sequence.store(next, std::memory_order_release);
}

[[noreturn]] void fail(const char* what, const std::filesystem::path& path) {
  throw std::system_error{errno, std::generic_category(),
                          fmt::format("{} {}", what, path.string())};
}

std::size_t size_of(int descriptor, const std::filesystem::path& path) {
  struct stat status{};
  if (::fstat(descriptor, &status) != 0) fail("fstat", path);
  return static_cast<std::size_t>(status.st_size);
}

UniqueFd open_file(const std::filesystem::path& path, int flags) {
  UniqueFd file{::open(path.c_str(), flags | O_CLOEXEC, 0644)};
  if (file.get() < 0) fail("open", path);
  return file;
}

/// A mapping for the length of a scope.
struct Unmap {
  std::size_t bytes{0};
  void operator()(void* map) const { ::munmap(map, bytes); }
};
using Mapping = std::unique_ptr<void, Unmap>;

Mapping map_file(int descriptor, std::size_t bytes, const std::filesystem::path& path) {
  void* map = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (map == MAP_FAILED) fail("mmap", path);
  return Mapping{map, Unmap{bytes}};
}

std::runtime_error not_ours(const std::filesystem::path& path) {
  return std::runtime_error{
      fmt::format("{} is not a truth file; move it away, or name another file", path.string())};
}

}  // namespace

TruthFile::TruthFile(const std::filesystem::path& path, std::span<const Truth> initial)
    : file_{open_file(path, O_RDWR | O_CREAT)}, bytes_{size_for(initial.size())} {
  if (::flock(file_.get(), LOCK_EX | LOCK_NB) != 0) {
    throw std::runtime_error{
        fmt::format("{} is in use: another simulated bar keeps its truth there", path.string())};
  }
  const std::size_t found = size_of(file_.get(), path);
  if (found != 0 && found != bytes_) {
    throw std::runtime_error{
        fmt::format("{} is not a truth file for {} taps; move it away, or name another file",
                    path.string(), initial.size())};
  }
  if (found == 0 && ::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) {
    fail("ftruncate", path);
  }
  Mapping map = map_file(file_.get(), bytes_, path);
  Head& head = *static_cast<Head*>(map.get());
  if (head.mark != 0 && (head.mark != mark || head.taps != initial.size())) throw not_ours(path);
  if (head.mark == 0) {  // The mark comes last: a kill before it leaves a file that is made anew.
    for (std::size_t tap = 0; tap < initial.size(); ++tap)
      store(place(map.get(), tap), initial[tap]);
    head.taps = initial.size();
    std::atomic_ref{head.mark}.store(mark, std::memory_order_release);
  }
  map_ = map.release();
}

TruthFile::~TruthFile() {
  ::munmap(map_, bytes_);
}

Truth TruthFile::read(std::size_t tap) const {
  return load(place(map_, tap));
}

void TruthFile::write(std::size_t tap, const Truth& truth) noexcept {
  store(place(map_, tap), truth);
}

std::vector<Truth> read_truth(const std::filesystem::path& path) {
  const UniqueFd file = open_file(path, O_RDWR);
  const std::size_t bytes = size_of(file.get(), path);
  if (bytes < size_for(0)) throw not_ours(path);
  const Mapping map = map_file(file.get(), bytes, path);
  const Head head = *static_cast<Head*>(map.get());
  const auto taps = static_cast<std::size_t>(head.taps);
  if (head.mark != mark || bytes != size_for(taps)) throw not_ours(path);
  std::vector<Truth> truths;
  for (std::size_t tap = 0; tap < taps; ++tap) truths.push_back(load(place(map.get(), tap)));
  return truths;
}

}  // namespace tapd::drivers::sim
