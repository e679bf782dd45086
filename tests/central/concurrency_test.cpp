#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <cstdint>
#include <future>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/central/bar_fixture.hpp"

using namespace tapd::central;
using nlohmann::json;

namespace {

constexpr int thread_count = 8;

/// Runs `work(n)` on several threads at once and returns what they return.
template<typename Work>
auto on_threads(Work work) {
  std::vector<std::future<decltype(work(0))>> running;
  for (int n = 0; n < thread_count; ++n) {
    running.push_back(std::async(std::launch::async, work, n));
  }
  std::vector<decltype(work(0))> results;
  for (auto& one : running) results.push_back(one.get());
  return results;
}

/// A guest on file with a card; all are rich enough to stay above zero or not, it does not matter.
const std::vector<const char*> cards{anns_card, evas_card, finns_card, lost_card};

/// One controller: sends its own rows in small batches, each batch twice now and then, and also
/// rows of a neighbour, as after a restore from a backup.
int load(Bar& bar, int thread, int rows) {
  std::mt19937 random{static_cast<std::uint32_t>(thread)};
  Client client = bar.another_client();
  int charged = 0;
  for (int sent = 0; sent < rows; sent += 5) {
    std::vector<json> batch;
    for (int i = sent; i < std::min(sent + 5, rows); ++i) {
      const bool own = random() % 5 != 0;
      const int owner = own ? thread : (thread + 1) % thread_count;
      std::mt19937 content{static_cast<std::uint32_t>(owner * 1000 + i)};
      const int tap = static_cast<int>(content() % 4) + 1;
      const std::int64_t price = tap == 1 ? ipa_price : cider_price;
      batch.push_back(pour_row("tx-" + std::to_string(owner) + "-" + std::to_string(i),
                               cards[content() % cards.size()], tap,
                               static_cast<std::int64_t>(1 + content() % 700), price));
    }
    const json results = client.sync(batch);
    for (const auto& result : results) charged += verdict(result) == "accepted/charged" ? 1 : 0;
    if (random() % 3 == 0) {
      for (const auto& result : client.sync(batch)) {
        if (verdict(result) != "accepted/duplicate_existing") return -1;
      }
    }
  }
  return charged;
}

}  // namespace

TEST_CASE("an id sent by several threads at once is charged once", "[concurrency]") {
  Bar bar;
  const json row = pour_row("tx", anns_card, 1, 412, ipa_price);
  const auto verdicts =
      on_threads([&](int) { return verdict(bar.another_client().sync({row})[0]); });
  CHECK(std::ranges::count(verdicts, "accepted/charged") == 1);
  CHECK(std::ranges::count(verdicts, "accepted/duplicate_existing") == thread_count - 1);
  CHECK(bar.balance_of(ann) == 2500 - 531);
}

TEST_CASE("an id that several guests claim at once is charged to one", "[concurrency]") {
  Bar bar;
  const auto verdicts = on_threads([&](int n) {
    const char* card = cards[static_cast<std::size_t>(n) % cards.size()];
    return verdict(bar.another_client().sync({pour_row("tx", card, 1, 412, ipa_price)})[0]);
  });
  CHECK(std::ranges::count(verdicts, "accepted/charged") == 1);
  // Two threads share each card, so one repeat is a true one.
  CHECK(std::ranges::count(verdicts, "accepted/duplicate_existing") == 1);
  CHECK(std::ranges::count(verdicts, "conflict/id_reused") == thread_count - 2);
  CHECK(bar.client().get("/test/totals").body["charged_cents"] == 531);
}

// At 10.00 a litre a millilitre costs a cent, so what the kegs lost is what the guests lost.
TEST_CASE("a snapshot taken under load is of one moment", "[concurrency]") {
  Bar bar;
  const auto sum = [](const json& list, const char* field) {
    std::int64_t total = 0;
    for (const auto& one : list) total += one.at(field).get<std::int64_t>();
    return total;
  };
  const auto pour = [&bar] {
    Client client = bar.another_client();
    for (int n = 0; n < 100; ++n) {
      client.sync({pour_row("tx-" + std::to_string(n), evas_card, ipa_tap, 100, 1000)});
    }
  };
  const auto difference = [&sum](const json& snapshot) {
    return sum(snapshot["kegs"], "current_volume_ml") - sum(snapshot["guests"], "balance_cents");
  };
  const char* const path = "/api/controllers/pi-1/snapshot";
  const std::int64_t expected = difference(bar.client().get(path).body);
  auto pouring = std::async(std::launch::async, pour);
  std::set<std::int64_t> seen;
  while (pouring.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
    const json snapshot = bar.client().get(path).body;
    CHECK(difference(snapshot) == expected);
    seen.insert(snapshot["revision"].get<std::int64_t>());
  }
  CHECK(seen.size() > 1);
  CHECK(bar.balance_of(eva) == 0);
}

TEST_CASE("after any load charges, debits, kegs and audit agree to the cent", "[concurrency]") {
  Bar bar;
  const json before = bar.client().get("/test/totals").body;
  const auto charged = on_threads([&](int n) { return load(bar, n, 40); });
  CHECK(std::ranges::count(charged, -1) == 0);
  const json after = bar.client().get("/test/totals").body;

  int sum = 0;
  for (const int one : charged) sum += one;
  CHECK(after["pours"] == sum);
  CHECK(sum > thread_count * 40 * 3 / 4);
  std::int64_t debited = 0;
  for (std::size_t i = 0; i < after["guests"].size(); ++i) {
    const json& guest = after["guests"][i];
    const std::int64_t drop = before["guests"][i]["balance_cents"].get<std::int64_t>() -
                              guest["balance_cents"].get<std::int64_t>();
    CHECK(drop == guest["charged_cents"]);
    debited += drop;
  }
  CHECK(debited == after["charged_cents"]);
  for (std::size_t i = 0; i < after["kegs"].size(); ++i) {
    const std::int64_t held = before["kegs"][i]["current_volume_ml"].get<std::int64_t>();
    const std::int64_t poured = after["kegs"][i]["poured_ml"].get<std::int64_t>();
    CHECK(after["kegs"][i]["current_volume_ml"] == std::max<std::int64_t>(held - poured, 0));
  }
  CHECK(bar.client().get("/test/audit").body["audit"].size() == after["pours"]);
}
