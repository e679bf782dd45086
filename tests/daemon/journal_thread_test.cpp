// The journal's thread: what reaches the place where the lines end.
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "daemon/journal_thread.hpp"
#include "tests/support/deadline.hpp"

namespace tapd::test {

using namespace std::chrono_literals;

namespace {

struct Written {
  std::mutex guard;
  std::vector<std::pair<std::string, bool>> lines;  // text, and whether cards are whole

  [[nodiscard]] std::size_t count() {
    const std::scoped_lock lock{guard};
    return lines.size();
  }
};

class KeptSink final : public JournalSink {
 public:
  explicit KeptSink(Written& to) : to_{to} {}
  void write(const JournalLine& line, bool whole_cards) override {
    const std::scoped_lock lock{to_.guard};
    to_.lines.emplace_back(line.text, whole_cards);
  }

 private:
  Written& to_;
};

}  // namespace

TEST_CASE("cards are whole while the level is debug, and masked from the reload on that ends it",
          "[journal]") {
  Written written;
  {
    JournalThread journal{Level::debug, std::make_unique<KeptSink>(written)};
    journal.line(Message::card_seen, Level::info, "before");
    const Deadline deadline{10s};
    while (written.count() < 1) REQUIRE(deadline.pause(5ms));
    journal.set_least(Level::info);
    journal.line(Message::pour_settled, Level::debug, "not written any more");
    journal.line(Message::ready, Level::info, "after");
  }
  CHECK(written.lines ==
        std::vector<std::pair<std::string, bool>>{{"before", true}, {"after", false}});
}

}  // namespace tapd::test
