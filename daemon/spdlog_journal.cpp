#include "daemon/spdlog_journal.hpp"

#include <spdlog/async.h>
#include <spdlog/async_logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <unistd.h>

namespace tapd {
namespace {

/// Lines that may wait for a slow reader; then the oldest is dropped: a journal must not hold a
/// tap.
constexpr std::size_t waiting_lines = 8'192;

spdlog::level::level_enum spdlog_level(Level level) {
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

}  // namespace

struct SpdlogJournal::Implementation {
  std::shared_ptr<spdlog::details::thread_pool> pool =
      std::make_shared<spdlog::details::thread_pool>(waiting_lines, 1);
  std::shared_ptr<spdlog::async_logger> logger = std::make_shared<spdlog::async_logger>(
      "tapd", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(), pool,
      spdlog::async_overflow_policy::overrun_oldest);
};

SpdlogJournal::SpdlogJournal(const std::string& level) : self_{std::make_unique<Implementation>()} {
  self_->logger->set_level(spdlog::level::from_str(level));
  self_->logger->flush_on(spdlog::level::debug);
  // Under systemd the journal stamps each line itself, and wants the priority as a prefix.
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  self_->logger->set_pattern(
      terminal ? "%H:%M:%S.%e %^%7l%$ %v" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
      terminal ? spdlog::pattern_time_type::local : spdlog::pattern_time_type::utc);
}

SpdlogJournal::~SpdlogJournal() = default;

void SpdlogJournal::line(Level level, const std::string& text) noexcept {
  self_->logger->log(spdlog_level(level), "{}", text);
}

}  // namespace tapd
