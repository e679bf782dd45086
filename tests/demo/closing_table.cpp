#include "tests/demo/closing_table.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <functional>

#include "storage/model/money.hpp"

namespace tapd::demo {
namespace {

constexpr std::size_t label_width = 28;
constexpr std::size_t column_width = 10;

std::string money(std::int64_t cents) {
  return model::to_text(model::Money{cents});
}

/// Millilitres with one digit, from microlitres, half up.
std::string millilitres(std::int64_t ul, bool with_sign) {
  const std::int64_t tenths = (std::abs(ul) + 50) / 100;
  const char* const sign = ul < 0 && tenths > 0 ? "-" : with_sign && tenths > 0 ? "+" : "";
  return fmt::format("{}{}.{}", sign, tenths / 10, tenths % 10);
}

/// What `part` is of `whole`, in percent with two digits.
std::string percent(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return part == 0 ? "0.00" : "-";
  const std::int64_t hundredths = (std::abs(part) * 10'000 + whole / 2) / whole;
  const char* const sign = hundredths == 0 ? "" : part < 0 ? "-" : "+";
  return fmt::format("{}{}.{:02}", sign, hundredths / 100, hundredths % 100);
}

using Cell = std::function<std::string(const Column&)>;

std::string line_of(const Verdict& verdict, const char* label, const Cell& cell) {
  std::string line = fmt::format(" {:<{}}", label, label_width - 1);
  for (const Column& column : verdict.columns) {
    line += fmt::format("{:>{}}", cell(column), column_width);
  }
  return line;
}

std::string head_of(const Column& column) {
  return column.tap == 0 ? "together" : fmt::format("tap {}", column.tap);
}

void add_volumes(const Verdict& verdict, const Brush& brush, std::vector<std::string>& lines) {
  lines.push_back(bold(line_of(verdict, "", head_of), brush));
  lines.push_back(line_of(verdict, "ran through the meter, ml",
                          [](const Column& c) { return millilitres(c.ran_ul, false); }));
  lines.push_back(line_of(verdict, "recorded by tapd, ml",
                          [](const Column& c) { return fmt::format("{}", c.recorded_ml); }));
  lines.push_back(line_of(verdict, "  difference, ml",
                          [](const Column& c) { return millilitres(c.off_ul(), true); }));
  lines.push_back(line_of(verdict, "  in percent",
                          [](const Column& c) { return percent(c.off_ul(), c.ran_ul); }));
  lines.push_back(line_of(verdict, "  allowed above, ml", [](const Column& c) {
    return millilitres(c.too_much_allowed_ul, true);
  }));
  lines.push_back(line_of(verdict, "  allowed below, ml", [](const Column& c) {
    return millilitres(-c.too_little_allowed_ul, true);
  }));
}

void add_money(const Verdict& verdict, const Brush& brush, std::vector<std::string>& lines) {
  lines.push_back(line_of(verdict, "pours recorded",
                          [](const Column& c) { return fmt::format("{}", c.pours); }));
  lines.push_back(line_of(verdict, "  cut off by the kill",
                          [](const Column& c) { return fmt::format("{}", c.cut_off); }));
  lines.push_back(line_of(verdict, "charged here",
                          [](const Column& c) { return money(c.charged_here_cents); }));
  lines.push_back(line_of(verdict, "charged at the server",
                          [](const Column& c) { return money(c.charged_there_cents); }));
  lines.push_back(bold(
      line_of(verdict, "  difference",
              [](const Column& c) { return money(c.charged_here_cents - c.charged_there_cents); }),
      brush));
}

/// A count that has to be zero.
std::string zero_line(std::int64_t count, const char* what, const std::string& why,
                      const Brush& brush) {
  const Mood mood = count == 0 ? Mood::good : Mood::bad;
  return fmt::format(" {:<27}{}  {}", what, painted(fmt::format("{:>10}", count), mood, brush),
                     why);
}

}  // namespace

std::vector<std::string> closing_table(const Verdict& verdict, const Brush& brush) {
  std::vector<std::string> lines;
  add_volumes(verdict, brush, lines);
  add_money(verdict, brush, lines);
  lines.push_back(
      painted(" Allowed per pour: 0.5 ml, a pulse, 20 ms of flow; if cut off, 50 ml or 1 s",
              Mood::quiet, brush));
  lines.emplace_back();
  lines.push_back(
      zero_line(verdict.lost, "pours lost", "recorded or seen, not at the server", brush));
  lines.push_back(zero_line(verdict.doubled, "pours booked twice", "under any id", brush));
  lines.push_back(
      zero_line(verdict.unknown, "pours out of nowhere", "at the server, not recorded", brush));
  lines.push_back(zero_line(verdict.queue_left, "left in the queue", "not yet confirmed", brush));
  lines.push_back(zero_line(verdict.guests_charged_wrong, "guests charged wrong",
                            "by their balances in PostgreSQL", brush));
  lines.push_back(
      zero_line(verdict.guests_overdrawn, "guests past their balance",
                fmt::format("deepest {}; up to {} while it shuts", money(verdict.overdraft_cents),
                            money(verdict.overdraft_allowed_cents)),
                brush));
  for (const std::string& failure : verdict.failures) {
    lines.push_back(painted("FAILED: " + failure, Mood::bad, brush));
  }
  if (verdict.holds()) {
    lines.push_back(painted(
        fmt::format(
            "ALL BOOKS AGREE. {} pours, {} allowed without the server, {} cut off by SIGKILL:",
            verdict.columns.back().pours, verdict.from_cache, verdict.columns.back().cut_off),
        Mood::good, brush));
    lines.push_back(
        painted("none lost, none booked twice, not a cent of difference.", Mood::good, brush));
  }
  return lines;
}

}  // namespace tapd::demo
