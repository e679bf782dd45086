// The two places where the journal's lines end: systemd's journal and stderr.
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

// Before the header: the lines carry no place in the code, their MESSAGE_ID says more.
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/journal_thread.hpp"

namespace tapd {
namespace {

/// syslog(3).
int priority(Level level) {
  switch (level) {
    case Level::debug:
      return 7;
    case Level::info:
      return 6;
    case Level::warning:
      return 4;
    case Level::error:
      return 3;
  }
  return 3;
}

class JournaldSink final : public JournalSink {
 public:
  void write(const JournalLine& line, bool whole_cards) override {
    std::vector<std::string> fields{
        "MESSAGE=" + line.text, fmt::format("PRIORITY={}", priority(line.level)),
        fmt::format("MESSAGE_ID={}", message_id(line.message)),
        fmt::format("TAPD_MESSAGE={}", to_text(line.message)), "SYSLOG_IDENTIFIER=tapd"};
    add(fields, line.fields, whole_cards);
    std::vector<iovec> parts;
    parts.reserve(fields.size());
    for (std::string& field : fields) parts.push_back({field.data(), field.size()});
    // A journal that cannot be reached has nobody to be told to.
    [[maybe_unused]] const int sent =
        ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }

 private:
  static void add(std::vector<std::string>& to, const JournalFields& fields, bool whole_cards) {
    if (fields.tap) to.push_back(fmt::format("TAP_ID={}", fields.tap->number()));
    if (fields.client_tx_id) {
      to.push_back("CLIENT_TX_ID=" + fields.client_tx_id->text());
      to.push_back("SHORT_ID=" + fields.client_tx_id->short_id());
    }
    if (fields.card && !fields.card->empty()) {
      to.push_back("CARD=" + (whole_cards ? fields.card->text() : fields.card->masked()));
    }
    if (fields.volume) to.push_back(fmt::format("VOLUME_ML={}", fields.volume->in_millilitres()));
    if (fields.price) to.push_back(fmt::format("PRICE_CENTS={}", fields.price->minor_units()));
    if (fields.edges_lost > 0) to.push_back(fmt::format("EDGES_LOST={}", fields.edges_lost));
    if (!fields.measured.empty()) to.push_back("MEASURED=" + fields.measured);
    if (!fields.reason.empty()) to.push_back("REASON=" + fields.reason);
    if (!fields.state.empty()) to.push_back("STATE=" + fields.state);
  }
};

class TextSink final : public JournalSink {
 public:
  TextSink() {
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    logger_.set_level(spdlog::level::trace);
    logger_.flush_on(spdlog::level::trace);
    logger_.set_pattern(
        terminal ? "%H:%M:%S.%e %^%7l%$ %v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
        terminal ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc);
  }

  void write(const JournalLine& line, bool /*whole_cards*/) override {
    logger_.log(level(line.level), "{}", line.text);
  }

 private:
  static spdlog::level::level_enum level(Level level) {
    switch (level) {
      case Level::debug:
        return spdlog::level::debug;
      case Level::info:
        return spdlog::level::info;
      case Level::warning:
        return spdlog::level::warn;
      case Level::error:
        return spdlog::level::err;
    }
    return spdlog::level::err;
  }

  spdlog::logger logger_{"tapd", std::make_shared<spdlog::sinks::stderr_color_sink_st>()};
};

/// JOURNAL_STREAM names the device and inode of the stream that the service manager has connected;
/// it is inherited by programs whose stderr goes elsewhere.
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

}  // namespace

std::unique_ptr<JournalSink> sink_of_stderr() {
  if (stderr_is_the_journal()) return std::make_unique<JournaldSink>();
  return std::make_unique<TextSink>();
}

}  // namespace tapd
