#include "tests/demo/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "storage/model/money.hpp"

namespace tapd::demo {
namespace {

constexpr const char* found_unfinished = "power_loss";

std::string money(std::int64_t cents) {
  return model::to_text(model::Money{cents});
}

/// How far the record of one pour may be from what ran: half a millilitre of rounding, a pulse, and
/// the meter's slack at the hardest pull of the evening.
std::int64_t meter_bound_ul(const TapFacts& tap) {
  constexpr std::int64_t rounding = 500;
  const std::int64_t pulse = 1'000'000 / tap.pulses_per_litre + 1;
  return rounding + pulse + meter_slack_ms * tap.fastest_ml_per_s;
}

/// How much more of a pour that was cut off may have run: 50 ml or one second, as the promise goes.
std::int64_t cut_off_bound_ul(const TapFacts& tap) {
  constexpr std::int64_t one_second = 1'000;
  return std::max(progress_bound_ul, one_second * tap.cut_off_ml_per_s);
}

Column column_of(const Books& books, const TapFacts& tap) {
  Column column{.tap = tap.tap, .ran_ul = tap.ran_ul};
  for (const PourRecord& pour : books.ledger) {
    if (pour.tap != tap.tap) continue;
    ++column.pours;
    column.recorded_ml += pour.volume_ml;
    column.charged_here_cents += pour.price_cents;
    column.too_much_allowed_ul += meter_bound_ul(tap);
    column.too_little_allowed_ul += meter_bound_ul(tap);
    if (pour.stop_reason != found_unfinished) continue;
    ++column.cut_off;
    column.too_little_allowed_ul += cut_off_bound_ul(tap);
  }
  for (const ServerPour& pour : books.server) {
    if (pour.tap == tap.tap) column.charged_there_cents += pour.charged_cents;
  }
  return column;
}

Column total_of(const std::vector<Column>& columns) {
  Column total;
  for (const Column& column : columns) {
    total.pours += column.pours;
    total.cut_off += column.cut_off;
    total.ran_ul += column.ran_ul;
    total.recorded_ml += column.recorded_ml;
    total.too_much_allowed_ul += column.too_much_allowed_ul;
    total.too_little_allowed_ul += column.too_little_allowed_ul;
    total.charged_here_cents += column.charged_here_cents;
    total.charged_there_cents += column.charged_there_cents;
  }
  return total;
}

class Judge {
 public:
  explicit Judge(const Books& books) : books_{books} {
    for (const PourRecord& pour : books.ledger) ledger_[pour.client_tx_id] = &pour;
    for (const ServerPour& pour : books.server) server_[pour.client_tx_id] = &pour;
  }

  Verdict pass() {
    look_at_taps();
    look_for_lost();
    look_for_doubled();
    compare_pours();
    look_at_queue();
    look_at_balances();
    look_for_overdrafts();
    compare_api_and_file();
    look_at_refused();
    look_at_story();
    return std::move(verdict_);
  }

 private:
  template<typename... Values>
  void fail(fmt::format_string<Values...> words, Values&&... values) {
    verdict_.failures.push_back(fmt::format(words, std::forward<Values>(values)...));
  }

  void look_at_taps() {
    for (const TapFacts& tap : books_.taps) {
      const Column column = column_of(books_, tap);
      verdict_.columns.push_back(column);
      if (!column.is_within_bounds()) {
        fail("tap {}: {} ul ran, but {} ml are recorded: more than {} ul over or {} ul short",
             tap.tap, column.ran_ul, column.recorded_ml, column.too_much_allowed_ul,
             column.too_little_allowed_ul);
      }
      if (column.charged_here_cents != column.charged_there_cents) {
        fail("tap {}: {} were charged here, but {} at the server", tap.tap,
             money(column.charged_here_cents), money(column.charged_there_cents));
      }
    }
    const Column total = total_of(verdict_.columns);
    if (total.pours != static_cast<std::int64_t>(books_.ledger.size())) {
      fail("{} pours are recorded, but only {} of them on a tap of this bar", books_.ledger.size(),
           total.pours);
    }
    verdict_.columns.push_back(total);
  }

  void look_for_lost() {
    std::set<std::string> lost;
    std::set<std::string> nothing_ran;
    for (const PourRecord& pour : books_.ledger) {
      if (pour.volume_ml == 0) {
        nothing_ran.insert(pour.receipt);  // no row at the server, by contract
      } else if (!server_.contains(pour.client_tx_id)) {
        lost.insert(pour.receipt);
      }
    }
    std::set<std::string> there;
    for (const ServerPour& pour : books_.server) there.insert(pour.receipt);
    for (const std::string& receipt : books_.seen) {
      if (!there.contains(receipt) && !nothing_ran.contains(receipt)) lost.insert(receipt);
    }
    verdict_.empty = static_cast<std::int64_t>(nothing_ran.size());
    verdict_.lost = static_cast<std::int64_t>(lost.size());
    for (const std::string& receipt : lost) {
      fail("the pour with receipt {} was recorded or seen, but the server does not have it",
           receipt);
    }
  }

  /// The same id twice, or the same glass under two ids.
  void look_for_doubled() {
    std::map<std::string, int> ids;
    std::map<std::tuple<std::string, std::int64_t, std::string>, int> glasses;
    for (const ServerPour& pour : books_.server) {
      const bool again = ++ids[pour.client_tx_id] > 1;
      const bool same_glass =
          !pour.started_at.empty() && ++glasses[{pour.card_uid, pour.tap, pour.started_at}] > 1;
      if (!again && !same_glass) continue;
      ++verdict_.doubled;
      fail("the server has booked receipt {} twice", pour.receipt);
    }
  }

  void compare_pours() {
    for (const ServerPour& pour : books_.server) {
      const auto found = ledger_.find(pour.client_tx_id);
      if (found == ledger_.end()) {
        ++verdict_.unknown;
        fail("the server has booked receipt {}, which tapd never recorded", pour.receipt);
        continue;
      }
      const PourRecord& here = *found->second;
      if (here.volume_ml != pour.volume_ml || here.price_cents != pour.charged_cents ||
          here.guest_id != pour.guest_id) {
        fail("receipt {}: {} ml for {} here, but {} ml for {} at the server, or another guest",
             pour.receipt, here.volume_ml, money(here.price_cents), pour.volume_ml,
             money(pour.charged_cents));
      }
    }
  }

  void look_at_queue() {
    for (const PourRecord& pour : books_.ledger) {
      if (pour.status == "confirmed") continue;
      ++verdict_.queue_left;
      fail("receipt {} is still in the queue as {}", pour.receipt, pour.status);
    }
  }

  void look_at_balances() {
    std::map<std::string, std::int64_t> drunk;
    for (const PourRecord& pour : books_.ledger) drunk[pour.guest_id] += pour.price_cents;
    for (const Balance& balance : books_.balances) {
      const std::int64_t charged = balance.before_cents - balance.after_cents;
      const std::int64_t owed = drunk.contains(balance.guest_id) ? drunk[balance.guest_id] : 0;
      drunk.erase(balance.guest_id);
      if (charged == owed) continue;
      ++verdict_.guests_charged_wrong;
      fail("{} drank for {}, but the balance at the server fell by {}", balance.name, money(owed),
           money(charged));
    }
    for (const auto& [guest, owed] : drunk) {
      ++verdict_.guests_charged_wrong;
      fail("guest {} drank for {}, but the server has no such guest", guest, money(owed));
    }
  }

  /// Nobody may pour past the balance, but for what runs while the valve shuts.
  void look_for_overdrafts() {
    std::int64_t fastest = 0;
    for (const TapFacts& tap : books_.taps) fastest = std::max(fastest, tap.fastest_ml_per_s);
    std::int64_t dearest = 0;  // hundredths of a cent per millilitre, rounded up
    for (const PourRecord& pour : books_.ledger) {
      if (pour.volume_ml > 0) {
        dearest = std::max(dearest, pour.price_cents * 100 / pour.volume_ml + 1);
      }
    }
    verdict_.overdraft_allowed_cents = fastest * overrun_ms * dearest / 100'000 + 1;
    for (const Balance& balance : books_.balances) {
      verdict_.overdraft_cents = std::max(verdict_.overdraft_cents, -balance.after_cents);
      if (-balance.after_cents <= verdict_.overdraft_allowed_cents) continue;
      ++verdict_.guests_overdrawn;
      fail("{} could pour past the balance: it is {} now", balance.name,
           money(balance.after_cents));
    }
  }

  /// What the local API told is what the file holds.
  void compare_api_and_file() {
    std::map<std::string, const PourRecord*> told;
    for (const PourRecord& pour : books_.told) told[pour.client_tx_id] = &pour;
    for (const PourRecord& pour : books_.ledger) {
      const auto found = told.find(pour.client_tx_id);
      if (found == told.end()) {
        fail("receipt {} is in the ledger's file, but GET /pours does not tell it", pour.receipt);
      } else if (!(*found->second == pour)) {
        fail("receipt {}: GET /pours and the ledger's file tell two stories", pour.receipt);
      }
    }
    for (const auto& [id, pour] : told) {
      if (ledger_.contains(id)) continue;
      fail("receipt {} was told by GET /pours, but is not in the ledger's file", pour->receipt);
    }
  }

  void look_at_refused() {
    for (const PourRecord& pour : books_.ledger) {
      if (!books_.must_not_pour.contains(pour.guest_id)) continue;
      fail("receipt {} belongs to a guest who had to be refused", pour.receipt);
    }
  }

  void look_at_story() {
    const auto from_cache = [](const PourRecord& pour) { return pour.authorized_by == "cache"; };
    verdict_.from_cache = std::count_if(books_.ledger.begin(), books_.ledger.end(), from_cache);
    // An evening that did not show what it set out to show proves nothing.
    if (verdict_.from_cache == 0) fail("no pour was allowed from a cached balance");
    if (books_.foreseen_cut_off == 0) fail("no pour was running when tapd was killed");
    const std::int64_t found = verdict_.columns.back().cut_off;
    if (found != books_.foreseen_cut_off) {
      fail("tapd was killed during {} pours, but found {} unfinished", books_.foreseen_cut_off,
           found);
    }
    for (const std::string& fault : books_.story_faults) fail("{}", fault);
  }

  const Books& books_;
  std::map<std::string, const PourRecord*> ledger_;
  std::map<std::string, const ServerPour*> server_;
  Verdict verdict_;
};

}  // namespace

Verdict judge(const Books& books) {
  return Judge{books}.pass();
}

}  // namespace tapd::demo
