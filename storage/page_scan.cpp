#include "storage/page_scan.hpp"

#include <fstream>
#include <optional>
#include <utility>

namespace tapd::storage {
namespace {

constexpr std::size_t first_page_header = 100;
constexpr std::size_t log_header = 32;
constexpr std::size_t frame_header = 24;
constexpr std::size_t salts_at = 8;
constexpr std::size_t salts_size = 8;
constexpr std::size_t most_columns = 200;

/// Reads bytes front to back and remembers when there were too few.
class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : bytes_{bytes} {}

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size(); }

  std::uint8_t byte() {
    const std::string_view one = take(1);
    return good_ ? static_cast<std::uint8_t>(one.front()) : std::uint8_t{0};
  }
  /// Big-endian, with the sign of its first bit.
  std::int64_t whole(std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint8_t next = byte();
      if (i == 0 && (next & 0x80U) != 0) value = ~std::uint64_t{0};
      value = (value << 8U) | next;
    }
    return static_cast<std::int64_t>(value);
  }
  std::uint64_t varint() {
    constexpr int longest = 9;
    std::uint64_t value = 0;
    for (int i = 1; i < longest; ++i) {
      const std::uint8_t next = byte();
      value = (value << 7U) | (next & 0x7FU);
      if ((next & 0x80U) == 0) return value;
    }
    return (value << 8U) | byte();
  }
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      good_ = false;
      bytes_ = {};
      return {};
    }
    const std::string_view taken = bytes_.substr(0, static_cast<std::size_t>(size));
    bytes_.remove_prefix(taken.size());
    return taken;
  }

 private:
  std::string_view bytes_;
  bool good_{true};
};

/// nullopt for a type that no column of ours has (blob, floating point).
std::optional<StoredValue> read_value(std::uint64_t type, Bytes& body) {
  constexpr std::uint64_t first_text = 13;
  switch (type) {
    case 0:
      return StoredValue{};
    case 1:
    case 2:
    case 3:
    case 4:
      return StoredValue{body.whole(static_cast<std::size_t>(type))};
    case 5:
      return StoredValue{body.whole(6)};
    case 6:
      return StoredValue{body.whole(8)};
    case 8:
    case 9:
      return StoredValue{static_cast<std::int64_t>(type - 8)};
    default:
      if (type < first_text || type % 2 == 0) return std::nullopt;
      return StoredValue{std::string{body.take((type - first_text) / 2)}};
  }
}

std::optional<std::vector<StoredValue>> read_record(std::string_view payload) {
  Bytes start{payload};
  const std::uint64_t header_size = start.varint();
  const std::size_t size_of_size = payload.size() - start.left();
  if (!start.good() || header_size < size_of_size || header_size > payload.size()) {
    return std::nullopt;
  }
  const auto header_end = static_cast<std::size_t>(header_size);
  Bytes types{payload.substr(size_of_size, header_end - size_of_size)};
  Bytes body{payload.substr(header_end)};
  std::vector<StoredValue> values;
  while (types.left() > 0) {
    const std::uint64_t type = types.varint();
    auto value = types.good() ? read_value(type, body) : std::nullopt;
    if (!value || !body.good() || values.size() >= most_columns) return std::nullopt;
    values.push_back(*std::move(value));
  }
  return values;
}

}  // namespace

void scan_page(std::string_view page, std::size_t header, const TakeRecord& take) {
  constexpr std::uint8_t table_leaf = 0x0D;
  constexpr std::uint8_t index_leaf = 0x0A;  // Also of a table without row ids.
  if (page.size() < header + 8) return;
  Bytes head{page.substr(header)};
  const std::uint8_t kind = head.byte();
  if (kind != table_leaf && kind != index_leaf) return;
  head.take(2);
  const auto cells = static_cast<std::uint16_t>(head.whole(2));
  head.take(3);
  for (std::uint16_t cell = 0; cell < cells && head.left() >= 2; ++cell) {
    const auto at = static_cast<std::uint16_t>(head.whole(2));
    if (at >= page.size()) continue;
    Bytes content{page.substr(at)};
    const std::uint64_t size = content.varint();
    StoredRecord record;
    if (kind == table_leaf) record.rowid = static_cast<std::int64_t>(content.varint());
    const std::string_view payload = content.take(size);
    if (!content.good()) continue;  // It runs on in other pages: no row of ours is so long.
    auto values = read_record(payload);
    if (!values) continue;
    record.values = *std::move(values);
    take(std::move(record));
  }
}

void scan_database(const std::filesystem::path& file, const TakeRecord& take) {
  std::ifstream in{file, std::ios::binary};
  std::string page(ledger_page_size, '\0');
  for (std::size_t header = first_page_header; in.good(); header = 0) {
    in.read(page.data(), static_cast<std::streamsize>(page.size()));
    scan_page(std::string_view{page}.substr(0, static_cast<std::size_t>(in.gcount())), header,
              take);
  }
}

void scan_log(const std::filesystem::path& file, Generation generation, const TakeRecord& take) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  std::ifstream in{file, std::ios::binary};
  if (error || !in || size <= log_header) return;
  constexpr std::size_t step = frame_header + ledger_page_size;
  std::string frame(step, '\0');
  // The first frame is of the newest generation, whatever became of the log's header.
  in.seekg(static_cast<std::streamoff>(log_header));
  in.read(frame.data(), static_cast<std::streamsize>(step));
  const std::string salts = frame.substr(salts_at, salts_size);
  for (std::uintmax_t number = (size - log_header + step - 1) / step; number-- > 0;) {
    in.clear();
    in.seekg(static_cast<std::streamoff>(log_header + number * step));
    in.read(frame.data(), static_cast<std::streamsize>(step));
    const auto got = static_cast<std::size_t>(in.gcount());
    if (got <= frame_header) continue;
    const bool newest = frame.compare(salts_at, salts_size, salts) == 0;
    if (newest != (generation == Generation::newest)) continue;
    Bytes head{frame};
    const bool first_page = head.whole(4) == 1;
    scan_page(std::string_view{frame}.substr(frame_header, got - frame_header),
              first_page ? first_page_header : 0, take);
  }
}

}  // namespace tapd::storage
