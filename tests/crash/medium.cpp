#include "medium.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace tapd::crash {
namespace {

constexpr std::size_t sector = 512;
constexpr std::uint64_t honest_syncs_of = 8;

struct FileOnMedium {
  Bytes durable;
  std::vector<const Operation*> pending;
  bool entry_durable{false};
  bool removed{false};  ///< Its entry is gone for the process, perhaps not on the medium.
};

void write(Bytes& bytes, std::size_t offset, const unsigned char* from, std::size_t size) {
  if (bytes.size() < offset + size) bytes.resize(offset + size);
  std::memcpy(bytes.data() + offset, from, size);
}

void apply(Bytes& bytes, const Operation& operation) {
  if (operation.kind == Operation::Kind::truncate) bytes.resize(operation.offset);
  if (operation.kind == Operation::Kind::write) {
    write(bytes, operation.offset, operation.bytes.data(), operation.bytes.size());
  }
}

// Calls `part(offset in the file, size)` for what the write has in each block.
template<typename Part>
void in_blocks(const Operation& operation, std::size_t block, Part part) {
  const std::size_t end = operation.offset + operation.bytes.size();
  for (std::size_t at = operation.offset; at < end;) {
    const std::size_t next = std::min(end, (at / block + 1) * block);
    part(at, next - at);
    at = next;
  }
}

void spoil(Bytes& bytes, std::size_t from, std::size_t to, test::Random& random) {
  for (std::size_t at = from; at < to; at += 8) {
    const std::uint64_t noise = random.next();
    std::memcpy(bytes.data() + at, &noise, std::min<std::size_t>(8, to - at));
  }
}

void tear(Bytes& bytes, const Operation& operation, Medium medium, test::Random& random) {
  const std::size_t block = medium == Medium::ideal      ? sector
                            : medium == Medium::torn_16k ? std::size_t{16'384}
                                                         : std::size_t{4'096};
  in_blocks(operation, block, [&](std::size_t at, std::size_t size) {
    const std::uint64_t fate = random.below(medium == Medium::ideal ? 2 : 3);
    if (fate == 0) return;  // This part never arrived.
    write(bytes, at, operation.bytes.data() + (at - operation.offset), size);
    if (fate == 1) return;
    const std::size_t first = at / block * block;
    spoil(bytes, first, std::min(first + block, bytes.size()), random);
  });
}

class Replay {
 public:
  Replay(const Image& start, Medium medium, test::Random& random)
      : medium_{medium}, random_{random} {
    for (const auto& [name, bytes] : start) files_[name] = {bytes, {}, true, false};
  }

  void go(const Operation& operation, bool sync_counts) {
    FileOnMedium& file = files_[operation.file];
    switch (operation.kind) {
      case Operation::Kind::create:
        file = {};
        // The ledger makes its file before SQLite sees it, and syncs the folder.
        file.entry_durable = operation.file == ledger_name;
        break;
      case Operation::Kind::write:
      case Operation::Kind::truncate:
        file.pending.push_back(&operation);
        break;
      case Operation::Kind::sync:
        if (sync_counts) sync(file);
        break;
      case Operation::Kind::remove:
        file.removed = true;
        break;
    }
  }

  Image cut() {
    Image left;
    const std::uint64_t mood = random_.below(8);
    for (auto& [name, file] : files_) {
      if ((file.removed || !file.entry_durable) && random_.chance(50)) continue;
      for (const Operation* operation : file.pending) lose(file.durable, *operation, mood);
      left[name] = std::move(file.durable);
    }
    return left;
  }

 private:
  void sync(FileOnMedium& file) {
    if (medium_ == Medium::lies && random_.below(honest_syncs_of) == 0) return;
    for (const Operation* operation : file.pending) apply(file.durable, *operation);
    file.pending.clear();
    if (!file.entry_durable) sync_folder();
  }

  // SQLite does so with the first sync of a new journal.
  void sync_folder() {
    for (auto entry = files_.begin(); entry != files_.end();) {
      entry->second.entry_durable = true;
      entry = entry->second.removed ? files_.erase(entry) : std::next(entry);
    }
  }

  void lose(Bytes& bytes, const Operation& operation, std::uint64_t mood) {
    constexpr std::uint64_t all_kept = 0;
    constexpr std::uint64_t all_dropped = 1;
    if (mood == all_dropped) return;
    const std::uint64_t fate = mood == all_kept ? 0 : random_.below(3);
    if (fate == 0) apply(bytes, operation);
    if (fate == 1 && operation.kind == Operation::Kind::write) {
      tear(bytes, operation, medium_, random_);
    }
  }

  Medium medium_;
  test::Random& random_;
  std::map<std::string, FileOnMedium> files_;
};

bool counts(const Log& log, std::size_t index, Syncs syncs) {
  if (syncs == Syncs::all || !log[index].file.ends_with("-wal")) return true;
  // The header of a WAL that begins anew is synced in any case.
  if (index > 0 && log[index - 1].kind == Operation::Kind::write && log[index - 1].offset == 0) {
    return true;
  }
  return index + 1 < log.size() && log[index + 1].file == ledger_name;
}

}  // namespace

Image after_power_cut(const Image& start, const Log& log, std::size_t until, Medium medium,
                      test::Random& random, Syncs syncs) {
  Replay replay{start, medium, random};
  for (std::size_t i = 0; i < until; ++i) replay.go(log[i], counts(log, i, syncs));
  return replay.cut();
}

}  // namespace tapd::crash
